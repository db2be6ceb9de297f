# pirn-gdb.py - gdb commands for programs that use Pirn, on threads or in the simulator, live or in
# a core file. docs/debugging.md shows them.
#
# What the library looks like inside is read from a table in it (lib/core/debugger.h), so that no
# debugging information of the library is needed.

import os
import re

import gdb
from gdb.unwinder import Unwinder


class PirnError(gdb.GdbError):
    """Something to tell the user, on one line."""


# ---- Reading memory ------------------------------------------------------------------------------

WORD = 8  # bytes


def read(address, size):
    try:
        return bytes(gdb.selected_inferior().read_memory(address, size))
    except gdb.MemoryError:
        raise PirnError("cannot read memory at 0x%x: is it still there, or not in the core file?" % address)


def number(address, size=WORD):
    return int.from_bytes(read(address, size), "little")


def write(address, value, size=WORD):
    gdb.selected_inferior().write_memory(address, value.to_bytes(size, "little"))


def string(address, most=256):
    """The C string there, up to the end of what is mapped; "" for NULL."""
    text = b""
    while address and len(text) < most and b"\0" not in text:
        room = 64 - address % 64
        try:
            text += read(address, room)
        except PirnError:
            break
        address += room
    return text.split(b"\0")[0].decode("utf-8", "replace")


def address_of(symbol):
    try:
        return int(gdb.parse_and_eval("(unsigned long)&%s" % symbol))
    except gdb.error:
        return 0


# ---- The library ---------------------------------------------------------------------------------


class Library:
    """The table of the library in use, as attributes of names."""

    def __init__(self):
        # Where both are loaded the simulator has taken libpirn's place.
        for name in ("sim", "threads"):
            table = address_of("pirn__debugger_" + name)
            if table:
                break
        else:
            raise PirnError("this program has not loaded libpirn (yet); start it first")
        self.simulated = name == "sim"
        self.rows = {}
        while True:
            key = read(table, 24).split(b"\0")[0].decode()
            if not key:
                break
            self.rows[key] = number(table + 24)
            table += 24 + WORD
        if self["version"] != 1:
            raise PirnError("these commands are for another version of libpirn")

    def __getitem__(self, name):
        return self.rows[name]

    def get(self, name):
        return self.rows.get(name)

    def member(self, address, name, size=WORD):
        """The value of a member, of `size` bytes, of the struct at the address."""
        return number(address + self[name], size)

    def word(self, names, index):
        return string(number(self[names] + index * WORD))

    def require_run(self):
        if not number(self["running"], 1):
            raise PirnError("no pirn_run is under way here")


# ---- Words ---------------------------------------------------------------------------------------

DOING = {
    "send": "sending to",
    "recv": "receiving from",
    "select": "in select",
    "select_first": "in select",
    "lock": "locking",
    "rlock": "read-locking",
    "wait": "waiting for",
    "once": "waiting for",
    "acquire": "acquiring",
    "sleep": "sleeping",
    "wait_fd": "waiting for",
    "read": "reading from",
    "write": "writing to",
    "accept": "accepting on",
    "connect": "connecting",
    "block": "in a blocking call",
}


def function_at(address):
    symbol = gdb.execute("info symbol 0x%x" % address, to_string=True)
    found = re.match(r"(\S+)(?: \+ \d+)? in section", symbol)
    return found.group(1) if found else ""


def line_at(address):
    """FILE:LINE of a call that returns there, or ""."""
    place = gdb.find_pc_line(address - 1)
    if place.symtab is None or not place.line:
        return ""
    return "%s:%d" % (os.path.basename(place.symtab.filename), place.line)


def site_text(address):
    if not address:
        return "an unknown place"
    function, line = function_at(address - 1), line_at(address)
    if function and line:
        return "%s at %s" % (function, line)
    return function or line or "an unknown place"


def label_of(lib, address):
    label = number(lib["label_newest"])
    while label:
        if lib.member(label, "label.object") == address:
            return string(label + lib["label.text"])
        label = lib.member(label, "label.next")
    return ""


def made_at(lib, queue):
    """The return address of the call that made the object of a queue; 0: unknown."""
    made = lib.member(queue, "queue.object")
    if not lib.simulated:
        return made if lib.member(queue, "queue.kind", 4) else 0
    if made >> 32 != number(lib["epoch"], 4) or not made & 0xFFFFFFFF:
        return 0
    objects = number(number(lib["log"]) + lib["log.objects"])
    return number(objects + ((made & 0xFFFFFFFF) - 1) * lib["object.size"] + lib["object.site"])


def object_text(lib, kind, address, queue):
    word = lib.word("object_names", kind)
    if kind == lib["kind_fd"]:
        return word
    if not address:
        return "a NULL channel" if kind == lib["kind_chan"] else word
    of = kind
    if queue and lib.member(queue, "queue.kind", 4):
        of = lib.member(queue, "queue.kind", 4)
    text = lib.word("object_names", of)
    if kind == lib["kind_chan"] and of == lib["kind_context"]:
        text = "the done channel of " + text
    label = label_of(lib, address)
    if label:
        return text + " " + label
    line = line_at(made_at(lib, queue)) if queue and made_at(lib, queue) else ""
    return text + (" from " + line if line else "")


# ---- Tasks ---------------------------------------------------------------------------------------


class Task:
    def __init__(self, lib, address):
        self.lib = lib
        self.address = address
        first = number(lib["first_task"]) if lib.simulated else 0
        self.id = self.member("task.id") - first
        parent = self.member("task.parent")
        self.parent = parent - first if parent else 0
        self.fn = self.member("task.fn")
        self.daemon = bool(self.member("task.daemon", 1))
        name = self.member("task.name")
        self.name = string(name) if name else function_at(self.fn) or "unnamed"
        self.stack = self.member("task.stack")
        self.stack_size = self.member("task.stack_size")
        self.waits = address + lib["task.waits"]
        self.state, self.begun = self.read_state()

    def member(self, name, size=WORD):
        return self.lib.member(self.address, name, size)

    def read_state(self):
        """One of running, runnable, waiting; and whether it has begun."""
        lib = self.lib
        state = self.member("task.state", 4)
        if lib.simulated:
            begun = bool(number(self.member("task.entry") + lib["entry.first_step"], 4))
            if state == lib["state_parked"]:
                return "waiting", begun
            return ("running" if self.address == number(lib["current"]) else "runnable"), begun
        begun = bool(self.member("task.begun", 1))
        state %= lib["states"]
        if state == lib["state_running"]:
            return "running", begun
        return ("waiting" if state == lib["state_parked"] else "runnable"), begun

    def __str__(self):
        return "task %d (%s)" % (self.id, self.name)

    def site(self, place):
        """The place of a call, where it says something; else the task's function."""
        site = self.lib.member(place, "place.site")
        returns = [number(self.lib["return_site"]), number(self.lib["return_site_in_group"])]
        return self.fn + 1 if site in returns else site

    def place_text(self, place):
        lib = self.lib
        op = lib.member(place, "place.op", 4)
        word = lib.word("op_names", op)
        text = DOING.get(word, word)
        kind = lib.member(place, "place.kind", 4)
        if kind:
            text += " " + object_text(lib, kind, lib.member(place, "place.object"), lib.member(place, "place.queue"))
        if op in (lib["op_select"], lib["op_select_first"]) and place == self.waits:
            text += self.cases_text()
        return text + ", in " + site_text(self.site(place))

    def cases_text(self):
        lib, wait = self.lib, self.address + self.lib["task.wait"]
        if not lib.member(wait, "wait.under_way", 1):
            return ""
        waiters, count = lib.member(wait, "wait.waiters"), lib.member(wait, "wait.count")
        if not count:
            return " without a case that could ever run"
        cases = []
        for i in range(min(count, 8)):
            waiter = waiters + i * lib["waiter.size"]
            chan = lib.member(waiter, "waiter.guard")
            sends = lib.member(waiter, "waiter.queue") == chan
            cases.append(
                ("sending to " if sends else "receiving from ") + object_text(lib, lib["kind_chan"], chan, chan)
            )
        if count > 8:
            cases.append("%d more" % (count - 8))
        return ": " + " or ".join(cases)

    def doing(self):
        if self.state == "waiting":
            return self.place_text(self.waits)
        if self.state == "running":
            thread = self.thread()
            return "running" + (" on thread %d" % thread.num if thread and not self.lib.simulated else "")
        if not self.begun:
            return "has not begun"
        if self.lib.simulated:
            place = self.member("task.next_place")
            if self.lib.member(place, "place.op", 4):
                return "runnable; next: " + self.place_text(place)
        return "runnable"

    def origin(self):
        site = self.member("task.site")
        text = ""
        if site:
            text = "; started %sin %s" % ("by task %d " % self.parent if self.parent else "", site_text(site))
        return text + ("; daemon" if self.daemon else "")

    def thread(self):
        """The thread that runs it: whose stack pointer is in its stack."""
        before = gdb.selected_thread()
        found = None
        for thread in gdb.selected_inferior().threads():
            thread.switch()
            pointer = int(gdb.newest_frame().read_register("sp"))
            if self.stack <= pointer < self.stack + self.stack_size:
                found = thread
                break
        if before is not None:
            before.switch()
        return found


def tasks(lib):
    lib.require_run()
    found = []
    if lib.simulated:
        task = number(lib["tasks"])
        while task:
            if lib.member(task, "task.state", 4) != lib["state_ended"]:
                found.append(task)
            task = lib.member(task, "task.next")
    else:
        slab = number(lib["slabs"])
        while slab:
            for i in range(lib.member(slab, "slab.used")):
                task = slab + lib["slab.tasks"] + i * lib["task.size"]
                if lib.member(task, "task.state", 4) % lib["states"] != lib["state_dead"]:
                    found.append(task)
            slab = lib.member(slab, "slab.next")
    return sorted((Task(lib, task) for task in found), key=lambda task: task.id)


def find_task(lib, text):
    text = text.strip()
    all_tasks = tasks(lib)
    for task in all_tasks:
        if text == str(task.id):
            return task
    named = [task for task in all_tasks if text == task.name]
    if len(named) == 1:
        return named[0]
    if named:
        raise PirnError("%d tasks are called %s: give a number (pirn tasks lists them)" % (len(named), text))
    raise PirnError("there is no task %s; pirn tasks lists them" % (text or "without a number"))


# ---- The stack of a task that does not run -------------------------------------------------------


def saved_registers(task):
    """What context_switch has left of a task that has begun and does not run."""
    lib, context = task.lib, task.address + task.lib["task.context"]
    if lib.get("context.sp") is not None:
        architecture = gdb.selected_frame().architecture().name()
        sp = number(context + lib["context.sp"])
        if "x86-64" in architecture:
            # Where to go on, control words, rbp, and the 128 bytes below the stack pointer.
            return {"rip": number(sp), "rbp": number(sp + 16), "rsp": sp + 24 + 128}
        if "aarch64" in architecture:
            return {"pc": number(sp), "x29": number(sp + 16), "x30": number(sp + 24), "sp": sp + 32}
        raise PirnError("stacks of tasks cannot be read on %s" % architecture)
    registers = {
        name[len("register.") :]: number(context + offset)
        for name, offset in lib.rows.items()
        if name.startswith("register.")
    }
    if not registers:
        raise PirnError("stacks of tasks cannot be read in this build of libpirn")
    return registers


class FrameId:
    def __init__(self, pc):
        # Below every stack, or gdb would take the task's for a corrupt one.
        self.sp = gdb.Value(0).cast(gdb.lookup_type("unsigned long"))
        self.pc = pc


class TaskUnwinder(Unwinder):
    """While it is given registers, the caller of the innermost frame is a task's innermost."""

    def __init__(self):
        super().__init__("pirn-task")
        self.registers = None
        self.at = None

    def __call__(self, pending):
        if self.registers is None:
            return None
        pc, sp = pending.read_register("pc"), pending.read_register("sp")
        if (int(pc), int(sp)) != self.at:
            return None
        info = pending.create_unwind_info(FrameId(pc))
        word = gdb.lookup_type("unsigned long")
        for name, value in self.registers.items():
            info.add_saved_register(name, gdb.Value(value).cast(word))
        return info


unwinder = TaskUnwinder()


PUBLIC = re.compile(r"pirn_[a-z]")


def is_inside(frame):
    """Whether it is of the library."""
    return "libpirn" in os.path.basename(gdb.solib_name(frame.pc()) or "")


def show_frames(arguments, skip):
    """A backtrace of what is selected, without the inside of the library, in gdb's words."""
    inside = []
    frame = gdb.newest_frame()
    while frame is not None:
        inside.append((frame.name() or "?") if is_inside(frame) else None)
        frame = frame.older()
    # From the call of the library's interface to the task's function.
    first, end = skip, len(inside)
    while first < end and inside[first] is not None:
        first += 1
    if first == end:
        first = skip
    elif first > skip and PUBLIC.match(inside[first - 1]):
        first -= 1
    while end > first + 1 and inside[end - 1] is not None:
        end -= 1
    text = gdb.execute("backtrace " + arguments, to_string=True)
    shown = []
    for frame in re.split(r"^(?=#\d+ )", text, flags=re.MULTILINE):
        at = re.match(r"#(\d+) *", frame)
        if at and first <= int(at.group(1)) < end:
            index = "#%d" % (int(at.group(1)) - first)
            shown.append(index.ljust(max(4, len(index) + 1)) + frame[at.end() :])
    return "".join(shown) or "its stack cannot be read\n"


def backtrace(task, arguments):
    if not task.begun:
        return "it has not begun; it will run %s\n" % site_text(task.fn + 1)
    before, thread = gdb.selected_thread(), task.thread()
    if thread is not None:
        thread.switch()
        try:
            return show_frames(arguments, 0)
        finally:
            before.switch()
    if task.state == "running":
        raise PirnError("the thread that runs %s was not found" % task)
    registers = saved_registers(task)
    if not registers.get("rip", registers.get("pc")):
        raise PirnError("the stack of %s is not in the core file (gdb's gcore leaves it out)" % task)
    frame = gdb.newest_frame()
    unwinder.at = int(frame.read_register("pc")), int(frame.read_register("sp"))
    unwinder.registers = registers
    gdb.invalidate_cached_frames()
    try:
        # The thread's innermost frame comes first, and is none of the task's.
        return show_frames(arguments, 1)
    finally:
        unwinder.registers = None
        gdb.invalidate_cached_frames()


# ---- Steps of the simulator ----------------------------------------------------------------------


class StopHere(gdb.Breakpoint):
    """Where the library lets itself be stopped; it shows up in no list."""

    def __init__(self, address):
        super().__init__("*0x%x" % address, internal=True)
        self.silent = True


def pirn_frame():
    """Selects the innermost frame outside the library, where there is one."""
    frame = gdb.newest_frame()
    while frame is not None and frame.is_valid():
        if not is_inside(frame) and frame.find_sal().symtab is not None:
            frame.select()
            return
        frame = frame.older()


def stop_address(lib, name):
    return address_of("pirn__debugger_stop") + lib["stop." + name]


def step_text(lib):
    at = lambda name, size=WORD: number(stop_address(lib, name), size)
    by = at("by")
    if by:
        who = str(find_task(lib, str(by - number(lib["first_task"]))))
    else:
        who = "the clock"
    text = "step %d: %s: %s" % (at("number"), who, lib.word("op_names", at("op", 4)))
    made = at("object", 4)
    if made:
        entry = number(number(lib["log"]) + lib["log.objects"]) + (made - 1) * lib["object.size"]
        text += " %s %d" % (lib.word("object_names", number(entry + lib["object.kind"], 1)), made)
    return text + ", in " + site_text(at("site"))


def simulator():
    lib = Library()
    if not lib.simulated:
        raise PirnError("this program runs on threads; pirn replay --gdb runs it in the simulator")
    return lib


def run_to_stop():
    """Goes on until the library stops; returns whether it has. Else gdb has said what has."""
    hook = StopHere(address_of("pirn__debugger_here"))
    try:
        gdb.execute("continue")
        return bool(gdb.selected_inferior().pid) and is_stopped()
    finally:
        hook.delete()


def is_stopped():
    return int(gdb.newest_frame().read_register("pc")) == address_of("pirn__debugger_here")


def run_to_step(lib, step, task):
    write(stop_address(lib, "step"), step)
    write(stop_address(lib, "task"), task)
    if number(lib["running"], 1):
        # Looked at from the next step on; the library restores it.
        write(lib["end_step"], min(number(lib["end_step"]), step - 1))
    if run_to_stop():
        print(step_text(lib))
        pirn_frame()
        gdb.execute("frame")
    elif gdb.selected_inferior().pid:
        write(stop_address(lib, "step"), 0)


# ---- Commands ------------------------------------------------------------------------------------


class Pirn(gdb.Command):
    """Programs that use Pirn: their tasks, channels and steps.

    pirn tasks            what each task does
    pirn bt TASK [full]   where a task is
    pirn chan EXPR        a channel, and who waits on it
    pirn step [TASK]      to the next step, of any task or of that one
    pirn until STEP       to a step of the run
    pirn until finding    to the first failure that is found

The last three are for the simulator (pirn replay --gdb)."""

    def __init__(self):
        super().__init__("pirn", gdb.COMMAND_USER, prefix=True)


class Tasks(gdb.Command):
    """What each task does, and where.

    pirn tasks"""

    def __init__(self):
        super().__init__("pirn tasks", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        lib = Library()
        all_tasks = tasks(lib)
        for task in all_tasks:
            mark = "*" if task.state == "running" and task.thread() == gdb.selected_thread() else " "
            print("%s %s: %s%s" % (mark, task, task.doing(), task.origin()))
        print("%d task%s" % (len(all_tasks), "" if len(all_tasks) == 1 else "s"))


class Backtrace(gdb.Command):
    """Where a task is, whether it runs or waits.

    pirn bt TASK [full]   the task's number or name, as pirn tasks shows them; more goes to backtrace"""

    def __init__(self):
        super().__init__("pirn bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        words = argument.split(None, 1)
        if not words:
            raise PirnError("which task? pirn bt TASK")
        lib = Library()
        task = find_task(lib, words[0])
        print("%s: %s" % (task, task.doing()))
        gdb.write(backtrace(task, words[1] if len(words) > 1 else ""))


class Chan(gdb.Command):
    """A channel: what it holds, whether it is closed, who waits on it.

    pirn chan EXPR   a pirn_chan *, or a channel of PIRN_CHAN_TYPE"""

    def __init__(self):
        super().__init__("pirn chan", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        if not argument.strip():
            raise PirnError("which channel? pirn chan EXPR")
        lib = Library()
        value = gdb.parse_and_eval(argument)
        if value.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT and any(
            field.name == "chan" for field in value.type.strip_typedefs().fields()
        ):
            value = value["chan"]
        chan = int(value.cast(gdb.lookup_type("unsigned long")))
        if not chan:
            print("a NULL channel: sends and receives wait for ever")
            return
        count, capacity = lib.member(chan, "chan.count"), lib.member(chan, "chan.capacity")
        size = lib.member(chan, "chan.value_size")
        text = object_text(lib, lib["kind_chan"], chan, chan)
        text += ": %d of %d values" % (count, capacity) if capacity else ": unbuffered"
        text += " of %d byte%s" % (size, "" if size == 1 else "s")
        print(text + (", closed" if lib.member(chan, "chan.closed", 1) else ", open"))
        self.show_waiters(lib, "sending", chan)
        self.show_waiters(lib, "receiving", chan + lib["chan.receivers"])

    def show_waiters(self, lib, what, queue):
        waiter = lib.member(queue, "queue.first")
        if not waiter:
            print("  %s: nobody" % what)
        while waiter:
            task = Task(lib, lib.member(lib.member(waiter, "waiter.wait"), "wait.task"))
            who = str(task) if task.id > 0 else "a thread of the program"
            print("  %s: %s, in %s" % (what, who, site_text(task.site(task.waits))))
            waiter = lib.member(waiter, "waiter.next")


class Step(gdb.Command):
    """Goes on to the next step of the simulator, of any task or of one.

    pirn step        who takes the next step, and what it is
    pirn step TASK   the next step of that task"""

    def __init__(self):
        super().__init__("pirn step", gdb.COMMAND_RUNNING)

    def invoke(self, argument, from_tty):
        lib = simulator()
        lib.require_run()
        task = 0
        if argument.strip():
            task = find_task(lib, argument).id + number(lib["first_task"])
        step = number(number(lib["log"]) + lib["log.steps"]) + 1
        # The one that it has stopped at is to be passed.
        if number(stop_address(lib, "number")) == step:
            step += 1
        run_to_step(lib, step, task)


class Until(gdb.Command):
    """Goes on, or begins, and stops at a step of the simulated run or at the first finding.

    pirn until STEP      when that step begins
    pirn until finding   where the first failure is found"""

    def __init__(self):
        super().__init__("pirn until", gdb.COMMAND_RUNNING)

    def invoke(self, argument, from_tty):
        argument = argument.strip()
        if argument != "finding" and not (argument.isdigit() and int(argument)):
            raise PirnError("until what? pirn until STEP, or pirn until finding")
        begin()
        lib = simulator()
        if argument != "finding":
            step = int(argument)
            if number(lib["running"], 1) and number(number(lib["log"]) + lib["log.steps"]) >= step:
                raise PirnError("step %d is over; run begins anew" % step)
            run_to_step(lib, step, 0)
            return
        write(stop_address(lib, "found"), 1, 1)
        if run_to_stop():
            kind = string(number(stop_address(lib, "kind")))
            print("%s: %s" % (kind, string(number(stop_address(lib, "message")), 600)))
            pirn_frame()
            gdb.execute("frame")


def begin():
    """Starts the program, where it does not run yet, up to its main function."""
    if not gdb.selected_inferior().pid:
        gdb.execute("tbreak main", to_string=True)
        gdb.execute("run", to_string=True)


Pirn()
Tasks()
Backtrace()
Chan()
Step()
Until()
gdb.unwinder.register_unwinder(None, unwinder, replace=True)
