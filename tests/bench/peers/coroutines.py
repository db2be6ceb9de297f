# coroutines.py - rows of tests/bench in Python's asyncio: a task is a task of the event loop, a channel
# a queue. The event loop has one thread: with more workers, and for rows that it lacks, it prints "none".
#
# Usage: coroutines.py ROW COUNT, or coroutines.py --version
#
# Exit status: 0, 1 wrong results, 2 usage.

import asyncio
import os
import platform
import resource
import sys
import time


class Stopwatch:
    def start(self):
        self.cpu = -time.process_time()
        self.wall = -time.perf_counter()

    def stop(self, units):
        self.wall += time.perf_counter()
        self.cpu += time.process_time()
        self.value = self.wall * 1e9 / units


def expect(ok, what):
    if not ok:
        sys.exit("coroutines.py: not true: " + what)


class Unbuffered:
    """A queue whose sender waits until its value has been received."""

    def __init__(self):
        self.queue = asyncio.Queue(1)

    async def put(self, value):
        await self.queue.put(value)
        await self.queue.join()

    async def get(self):
        value = await self.queue.get()
        self.queue.task_done()
        return value


async def nothing():
    pass


async def spawn(watch, count):
    batch = 1000
    batches = (count + batch - 1) // batch
    watch.start()
    for _ in range(batches):
        await asyncio.gather(*[asyncio.create_task(nothing()) for _ in range(batch)])
    watch.stop(batches * batch)


async def skynet_node(parent, first, leaves):
    if leaves == 1:
        await parent.put(first)
        return
    results = Unbuffered()
    part = leaves // 10
    children = [asyncio.create_task(skynet_node(results, first + i * part, part)) for i in range(10)]
    total = 0
    for _ in range(10):
        total += await results.get()
    await asyncio.gather(*children)
    await parent.put(total)


async def skynet(watch, count):
    result = Unbuffered()
    watch.start()
    root = asyncio.create_task(skynet_node(result, 0, count))
    total = await result.get()
    watch.stop(count)
    await root
    expect(total == count * (count - 1) // 2, "skynet's sum")


def resident_bytes():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * resource.getpagesize()


async def parked(watch, count):
    never = asyncio.Event()
    about_to_park = 0

    async def park():
        nonlocal about_to_park
        about_to_park += 1
        await never.wait()

    before = resident_bytes()
    watch.start()
    tasks = [asyncio.create_task(park()) for _ in range(count)]
    while about_to_park < count:
        await asyncio.sleep(0)
    await asyncio.sleep(0.02)
    watch.stop(count)
    watch.value = (resident_bytes() - before) / count
    never.set()
    await asyncio.gather(*tasks)


async def pingpong(watch, count):
    there, back = Unbuffered(), Unbuffered()

    async def answer():
        for _ in range(count):
            await back.put(await there.get() + 1)

    value = 0
    watch.start()
    task = asyncio.create_task(answer())
    for _ in range(count):
        await there.put(value)
        value = await back.get()
    watch.stop(count)
    await task
    expect(value == count, "as many answers")


async def transfer(watch, count, channel):
    async def produce():
        for i in range(count):
            await channel.put(i)

    async def consume():
        total = 0
        for _ in range(count):
            total += await channel.get()
        return total

    watch.start()
    consumer = asyncio.create_task(consume())
    await asyncio.create_task(produce())
    total = await consumer
    watch.stop(count)
    expect(total == count * (count - 1) // 2, "all values")


async def unbuffered(watch, count):
    await transfer(watch, count, Unbuffered())


async def buffered(watch, count):
    await transfer(watch, count, asyncio.Queue(128))


# A select: a task of each queue's, of which the first that is done is waited for.
async def select_2(watch, count):
    each = count // 2
    channels = [Unbuffered(), Unbuffered()]

    async def produce(channel):
        for i in range(each):
            await channel.put(i)

    watch.start()
    producers = [asyncio.create_task(produce(channel)) for channel in channels]
    waiting = {asyncio.create_task(channel.get()): channel for channel in channels}
    received = total = 0
    while received < 2 * each:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            channel = waiting.pop(task)
            total += task.result()
            received += 1
            waiting[asyncio.create_task(channel.get())] = channel
    watch.stop(2 * each)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*producers)
    expect(total == each * (each - 1), "all values")


async def mutex_8(watch, count):
    each = count // 8
    lock = asyncio.Lock()
    counter = 0

    async def lock_often():
        nonlocal counter
        for _ in range(each):
            async with lock:
                counter += 1

    watch.start()
    await asyncio.gather(*[asyncio.create_task(lock_often()) for _ in range(8)])
    watch.stop(8 * each)
    expect(counter == 8 * each, "the counter")


async def sleepers(watch, count):
    async def sleep_some(number):
        await asyncio.sleep((number * 37 % 100 + 1) / 1000)

    watch.start()
    await asyncio.gather(*[asyncio.create_task(sleep_some(i)) for i in range(count)])
    watch.stop(count)
    watch.value = watch.cpu * 1000


ROWS = [spawn, skynet, parked, pingpong, unbuffered, buffered, select_2, mutex_8, sleepers]


def main():
    if sys.argv[1:] == ["--version"]:
        print("asyncio, of Python", platform.python_version())
        return
    if len(sys.argv) != 3 or not sys.argv[2].isdigit() or int(sys.argv[2]) == 0:
        print("usage: coroutines.py ROW COUNT, or coroutines.py --version", file=sys.stderr)
        sys.exit(2)
    row = {row.__name__: row for row in ROWS}.get(sys.argv[1])
    if row is None or os.environ.get("PIRN_WORKERS", "1") != "1":
        print("none")
        return
    watch = Stopwatch()
    asyncio.run(row(watch, int(sys.argv[2])))
    print(f"{watch.value:.3f} {watch.wall:.6f} {watch.cpu:.6f}")


main()
