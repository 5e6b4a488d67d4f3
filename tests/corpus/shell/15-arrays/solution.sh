# A stack, a set and a word count; to be sourced by bash.
declare -a STACK=()
declare -A SEEN=()

push() { STACK+=("$@"); }

pop() {
	((${#STACK[@]})) || return 1
	POPPED=${STACK[-1]}
	unset 'STACK[-1]'
}

add() {
	[[ -n ${SEEN[$1]-} ]] && return 1
	SEEN[$1]=yes
}

count_words() {
	local -A counts=()
	local word
	for word in $1; do
		counts[${word,,}]=$((${counts[${word,,}]-0} + 1))
	done
	for word in "${!counts[@]}"; do
		echo "$word ${counts[$word]}"
	done | sort
}

reverse() {
	local i
	for ((i = $#; i > 0; i--)); do
		echo "${!i}"
	done
}
