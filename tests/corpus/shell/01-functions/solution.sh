# String helpers; to be sourced.

upper() {
	printf '%s\n' "$*" | tr '[:lower:]' '[:upper:]'
}

repeat() {
	_text=$1 _count=$2 _out=
	while [ "$_count" -gt 0 ]; do
		_out=$_out$_text
		_count=$((_count - 1))
	done
	printf '%s\n' "$_out"
}

trim() {
	_text=$1
	_text=${_text#"${_text%%[![:space:]]*}"}
	_text=${_text%"${_text##*[![:space:]]}"}
	printf '%s\n' "$_text"
}

join_by() {
	_separator=$1
	shift
	_out=${1-}
	[ $# -gt 0 ] && shift
	for _word in "$@"; do
		_out=$_out$_separator$_word
	done
	printf '%s\n' "$_out"
}

contains() {
	case $1 in
	*"$2"*) return 0 ;;
	*) return 1 ;;
	esac
}
