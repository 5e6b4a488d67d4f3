setup() {
	home=$PWD
	work=$(mktemp -d)
	mkdir -p "$work/data/sub"
	echo one >"$work/data/file"
	ln -s file "$work/data/link"
	touch "$work/data/name with blanks"
}

teardown() {
	rm -rf "$work"
}

backup() {
	bash "$home/solution.sh" "$work/data"
}

@test "first copy" {
	[ "$(backup)" = 1 ]
	diff -r "$work/data" "$work/data.1"
}

@test "links stay links" {
	backup
	[ "$(readlink "$work/data.1/link")" = file ]
}

@test "counts up" {
	backup
	backup
	[ "$(backup)" = 3 ]
}

@test "keeps three" {
	for _ in 1 2 3 4 5; do backup; done
	[ "$(find "$work" -maxdepth 1 -name 'data.*' | wc -l)" -eq 3 ]
	[ ! -e "$work/data.2" ]
}

@test "no such folder" {
	run bash "$home/solution.sh" "$work/nothing"
	[ "$status" -eq 1 ]
	[[ $output == *"no such folder" ]]
}
