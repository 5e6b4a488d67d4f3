# SPDX-License-Identifier: Apache-2.0
"""A store that loses its last second, one that is gone, disks that are full."""

import shutil
import subprocess
from pathlib import Path

import pytest
from promptcraft import make_directory, unmount, wait_for
from test_kill import CODE, TESTS
from world import World, kill_redis, sha256


def body(number, approval=False):
    return {"goal": f"Add two numbers, number {number}",
            "context": {"code": CODE.format(pause=0),
                        "tests": TESTS.format(addend=3), "language": "python",
                        "execution_preferences": {
                            "require_approval": approval}}}


# ---- Redis forgets ----------------------------------------------------------


@pytest.fixture
def redis_world():
    one = World("redis")
    yield one
    one.down()


def append_only_dir(world):
    return world.nodes[0].stack.dir / "redis" / "appendonlydir"


def test_redis_that_lost_its_last_writes_releases_nothing_twice(redis_world,
                                                                tmp_path):
    """What appendfsync everysec may lose with the power: the append-only file
    is put back to where it stood while workflows waited for approval.  They
    wait again; but what was released stays as it was, is not released a second
    time with another decision, and the answer says so."""
    world, client = redis_world, redis_world.client()
    ids = [client.post("/api/v3/execute", body(n, True)).data["workflow_id"]
           for n in range(4)]
    pending = {}
    for i in ids:
        data = client.wait_workflow(i, "waiting_approval")
        pending[i] = data["pending_approvals"][0]["approval_id"]
    # A copy of a file that grows is a prefix of it, as after a crash.
    before = tmp_path / "before"
    shutil.copytree(append_only_dir(world), before)

    def approve(i):
        reply = client.post(f"/api/v3/execute/approve/{i}", {
            "workflow_id": i, "approval_id": pending[i],
            "decision": "approved"})
        assert reply.status == 200, reply
        return client.wait_workflow(i)

    released, open_ = ids[:2], ids[2:]
    assert {approve(i)["status"] for i in released} == {"completed"}
    manifests = release_manifests(world)
    assert set(manifests) == set(released)

    def forget():
        owner = append_only_dir(world).stat()
        shutil.rmtree(append_only_dir(world))
        shutil.copytree(before, append_only_dir(world))
        for path in [append_only_dir(world),
                     *append_only_dir(world).iterdir()]:
            shutil.chown(path, owner.st_uid, owner.st_gid)

    kill_redis(world.nodes[0], before_start=forget)
    assert {client.wait_workflow(i, "waiting_approval")["status"]
            for i in ids} == {"waiting_approval"}
    assert {approve(i)["status"] for i in open_} == {"completed"}
    for i in released:
        data = approve(i)
        assert data["status"] == "failed"
        assert "released" in data["error"], data["error"]
    after = release_manifests(world)
    assert set(after) == set(ids)
    assert {i: after[i] for i in released} == manifests
    records = [r for node in world.nodes for r in node.audit()
               if r["type"] == "release"]
    assert sorted(r["workflow"] for r in records) == sorted(ids)


def release_manifests(world):
    return {path.parent.name: sha256(path)
            for path in world.releases.glob("*/manifest.json")}


def test_redis_gone_is_503_and_everything_goes_on_after(redis_world):
    world, client = redis_world, redis_world.client()
    waiting = client.post("/api/v3/execute", body(1, True)).data["workflow_id"]
    client.wait_workflow(waiting, "waiting_approval")
    plain = super(type(client), client)

    def while_gone():
        reply = plain.request("GET", f"/api/v3/execute/status/{waiting}",
                              timeout=30)
        assert reply.status == 503, reply
        assert int(reply.headers["Retry-After"]) > 0
        assert b"redis" not in reply.body.lower() or \
            b"password" not in reply.body.lower()
        reply = plain.request("POST", "/api/v3/execute", body(2), timeout=30)
        assert reply.status == 503, reply

    kill_redis(world.nodes[0], before_start=while_gone)
    assert client.workflow(waiting)["status"] == "waiting_approval"
    after = client.post("/api/v3/execute", body(3)).data["workflow_id"]
    assert client.wait_workflow(after)["status"] == "completed"


# ---- full disks --------------------------------------------------------------


@pytest.fixture
def small_disk():
    """A file system of 24 MiB for what a test fills up."""
    place = Path(make_directory())
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0777", "none",
                    place], check=True)
    yield place
    unmount(place)
    place.rmdir()


def fill(place):
    """Takes what is left; the file that holds it."""
    blocker = Path(place) / "blocker"
    with open(blocker, "wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                pass
    return blocker


def test_a_full_disk_for_releases_waits_and_leaves_no_half(small_disk):
    world = World("sqlite", env={"PROMPTCRAFT_RELEASE_DIR": str(small_disk),
                                 "PROMPTCRAFT_RELEASE_MIN_FREE": "0"})
    try:
        client = world.client()
        client.wait_workflow(client.post("/api/v3/execute", body(0))
                             .data["workflow_id"])
        blocker = fill(small_disk)
        workflow = client.post("/api/v3/execute", body(1)).data["workflow_id"]

        def is_told(data):
            step = data["execution_plan"][-1]
            return "space" in str(step.get("waiting_for", "")).lower()

        data = wait_for(lambda: client.workflow(workflow), is_told, seconds=60)
        assert data["status"] == "running"
        assert not (small_disk / workflow).exists()
        blocker.unlink()
        data = client.wait_workflow(workflow, seconds=180)
        assert data["status"] == "completed", data
        assert (small_disk / workflow / "manifest.json").exists()
        names = {path.name for path in small_disk.iterdir()}
        assert len(names - {".lock"}) == 2, names
        records = [r for r in world.nodes[0].audit()
                   if r["type"] == "release"]
        assert [r["workflow"] for r in records].count(workflow) == 1
    finally:
        world.down()


def test_no_release_begins_below_the_space_to_be_kept(small_disk):
    world = World("sqlite", env={"PROMPTCRAFT_RELEASE_DIR": str(small_disk),
                                 "PROMPTCRAFT_RELEASE_MIN_FREE": "20M"})
    try:
        client, blocker = world.client(), small_disk / "blocker"
        blocker.write_bytes(bytes(6 << 20))
        first, second = (client.post("/api/v3/execute", body(i))
                         .data["workflow_id"] for i in range(2))

        def is_told(data):
            cause = str(data["execution_plan"][-1].get("waiting_for", ""))
            return "PROMPTCRAFT_RELEASE_MIN_FREE" in cause

        for workflow in (first, second):
            data = wait_for(lambda: client.workflow(workflow), is_told,
                            seconds=60)
            assert data["status"] == "running"
        assert {path.name for path in small_disk.iterdir()} == {"blocker"}
        assert not any(r["type"] == "release" for r in world.nodes[0].audit())
        # Nothing has begun: it can be cancelled, or go on.
        assert client.post(f"/api/v3/execute/cancel/{first}").status == 200
        blocker.unlink()
        data = client.wait_workflow(second, seconds=180)
        assert data["status"] == "completed", data
        assert (small_disk / second / "manifest.json").exists()
        assert not (small_disk / first).exists()
    finally:
        world.down()
