. ./solution.sh
echo "1..4"
[ "$(factorial 10)" -eq 3628800 ] && echo "ok 1 - factorial" || echo "not ok 1"
[ "$(hanoi 3 A C B | tr '\n' ' ')" = "AC AB CB AC BA BC AC " ] && echo "ok 2 - hanoi" || echo "not ok 2"
tree=$(printf 'a b\na c\nb d\n' | walk a)
[ "$tree" = "a
  b
    d
  c" ] && echo "ok 3 - walk" || echo "not ok 3"
[ "$(collatz 6)" = "6 3 10 5 16 8 4 2 1 " ] && echo "ok 4 - collatz" || echo "not ok 4"
