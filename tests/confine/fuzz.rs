//! The supervisor, fed by a fuzzer in the place of a process: pointers at the ends of pages, vectors
//! without an end, memory that changes while it is read; by the gate of 64-bit programs and by that of
//! 32-bit ones.
//!
//! `CODEX_SHELL_FUZZ_SECONDS` says for how long; `CODEX_SHELL_FUZZ_SEED` repeats the same calls, though
//! not the same races.

#![expect(unsafe_code, reason = "system calls with arguments that make no sense")]

use std::env;
use std::fs;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::libc;

use crate::support::{Outcome, World, codex_shell, ensure};
use crate::{Check, FUZZ};

pub(crate) const CHECKS: &[Check] = &[("the_supervisor_survives_nonsense", survives_nonsense)];

const RULES: &str = "prefix_rule(pattern = [\"touch\"], decision = \"forbidden\")\n";
const SECONDS: &str = "CODEX_SHELL_FUZZ_SECONDS";
const SEED: &str = "CODEX_SHELL_FUZZ_SEED";

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| text.parse().unwrap())
}

fn survives_nonsense() -> Outcome {
    let world = World::new();
    let rules = world.outside.join("test.rules");
    fs::write(&rules, RULES).unwrap();
    let seconds = number(SECONDS, 5);
    let clock = fs::metadata(&rules).unwrap().modified().unwrap();
    let random = clock.elapsed().unwrap_or_default().as_nanos() ^ u128::from(std::process::id());
    let seed = number(SEED, u64::try_from(random & u128::from(u64::MAX)).unwrap());
    let since = Instant::now();
    let output = Command::new(codex_shell())
        .args(["run", "--ask", "deny", "--rules"])
        .arg(&rules)
        .args(["--timeout", &format!("{}s", seconds + 60), "--"])
        .arg(env::current_exe().unwrap())
        .args([FUZZ, &seconds.to_string(), &seed.to_string()])
        .output()
        .unwrap();
    let said = format!(
        "seed {seed}, {:?}: {} {}{}",
        since.elapsed(),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let entries = fs::read_dir(&world.workspace).unwrap().count();
    ensure(entries == 0, &format!("a forbidden program ran: {said}"))?;
    ensure(output.status.success(), &said)?;
    if seconds > 5 {
        let killed = said.matches("codex-shell: denied:").count();
        println!(
            "{}; {killed} refused aloud",
            said.lines().next().unwrap_or_default()
        );
    }
    ensure(!said.contains("panicked"), &said)
}

/// As fast as they come, and good enough.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[usize::try_from(self.below(values.len() as u64)).unwrap()]
    }
}

const PAGE: u64 = 4096;
/// Pages that are shared with all forks; the one behind them is never there.
const PAGES: u64 = 16;
/// Pages of strings, then pages of vectors.
const STRINGS: u64 = 4;
const SLOT: u64 = 64;

/// Two spellings of the same length; which it is changes all the time.
const PERMITTED: &[u8] = b"/bin/true\0\0";
const FORBIDDEN: &[u8] = b"/bin/touch\0";
/// Where that path lies: whole, across two pages, and at the end of the last page of strings.
const RACES: [u64; 3] = [0, PAGE - 5, STRINGS * PAGE - 11];

const WORDS: [&[u8]; 12] = [
    b"/bin/true\0",
    b"/bin/touch\0",
    b"/usr/bin/touch\0",
    b"touch\0",
    b"marker\0",
    b"\0",
    b"/\0",
    b"/proc/self/fd/0\0",
    b"/nonexistent\0",
    b"/bin/../bin/./touch\0",
    b"\xff\xfe\x80\0",
    b"LD_PRELOAD=x\0",
];

/// The shared memory.
#[derive(Clone, Copy)]
struct Region(u64);

impl Region {
    fn new() -> Self {
        let size = usize::try_from((PAGES + 1) * PAGE).unwrap();
        // SAFETY: a new mapping, of which the last page is taken away again.
        let start = unsafe {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            // Low, so that 32-bit calls can name what lies in it.
            let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_32BIT;
            let start = libc::mmap(std::ptr::null_mut(), size, protection, flags, -1, 0);
            assert_ne!(start, libc::MAP_FAILED);
            libc::mprotect(start.byte_add(size - 4096), 4096, libc::PROT_NONE);
            start
        };
        let region = Self(start.addr() as u64);
        for (index, word) in WORDS.iter().enumerate() {
            region.write(SLOT * (index as u64 + 2), word);
        }
        region
    }

    /// Shared with other processes and threads, so that only atomic writes make sense.
    fn write(self, offset: u64, bytes: &[u8]) {
        for (index, byte) in bytes.iter().enumerate() {
            let address = usize::try_from(self.0 + offset).unwrap() + index;
            assert!((address as u64) < self.0 + PAGES * PAGE);
            let pointer = std::ptr::with_exposed_provenance_mut::<u8>(address);
            // SAFETY: inside the mapping, as was just looked at; never unmapped.
            unsafe { AtomicU8::from_ptr(pointer) }.store(*byte, Ordering::Relaxed);
        }
    }

    fn string(self, random: &mut Random) -> u64 {
        match random.below(8) {
            0 => self.0 + random.of(&RACES),
            1 => self.0 + random.below(STRINGS * PAGE),
            2 => self.0 + PAGES * PAGE - 1 - random.below(3),
            3 => wild(random),
            _ => self.0 + SLOT * (2 + random.below(WORDS.len() as u64)),
        }
    }

    /// The address of a vector: a good one, one without an end, or nonsense.
    fn vector(self, random: &mut Random) -> u64 {
        let first = STRINGS * PAGE;
        let length = (PAGES - STRINGS) * PAGE;
        match random.below(6) {
            0 => wild(random),
            1 => self.0 + PAGES * PAGE - random.below(24),
            2 => self.0 + first + random.below(length),
            _ => {
                let offset = first + random.below(length / 8 - 64) * 8;
                let count = random.below(random_length(random.0));
                for index in 0..count {
                    let address = self.string(random);
                    self.write(offset + index * 8, &address.to_le_bytes());
                }
                if random.below(4) > 0 {
                    self.write(offset + count * 8, &[0; 8]);
                }
                self.0 + offset
            }
        }
    }
}

fn random_length(entropy: u64) -> u64 {
    if entropy.is_multiple_of(16) { 60 } else { 4 }
}

fn wild(random: &mut Random) -> u64 {
    let any = random.next();
    random.of(&[
        0,
        1,
        7,
        PAGE - 1,
        PAGE,
        u64::MAX,
        u64::MAX - 7,
        1 << 63,
        (1 << 47) - 1,
        (1 << 47) - PAGE,
        0xffff_ffff_8000_0000,
        any,
        any & 0x7fff_ffff_f000,
    ])
}

/// One call that makes no sense, or just enough.
fn call(region: Region, random: &mut Random) -> i64 {
    let word = region.string(random);
    let path = region.0 + random.of(&RACES);
    let path = if random.below(3) > 0 { path } else { word };
    let (argv, envp) = (region.vector(random), region.vector(random));
    let directory = random.of(&[-100, -1, 0, 1, 99, i64::MAX, 0xffff_ff9c]);
    let flags = random.of(&[0_i32, 0, 0x1000, 0x100, 0x1100, 0x4000_0000, -1]);
    let (a, b) = (wild(random), wild(random));
    if random.below(3) == 0 {
        let (number, arguments) = match random.below(8) {
            0..4 => (11, [path, argv, envp, a, b]),
            4..6 => (
                358,
                [
                    directory.cast_unsigned(),
                    path,
                    argv,
                    envp,
                    u64::from(flags.cast_unsigned()),
                ],
            ),
            6 => (223, [random.of(&[0, 1, 2, a]), word, region.0, a, b]),
            _ => (102, [random.of(&[1, 8, a]), word, region.0, a, b]),
        };
        return old_call(number, arguments);
    }
    let numbers = [59, 59, 59, 59, 322, 322, 322, 183, 183, 41, 53, 272, 16];
    let number = random.of(&numbers);
    // SAFETY: none of these calls writes to our memory: `ioctl` gets a request that is refused, and
    // the rest read. What the kernel makes of the pointers is what is looked at.
    unsafe {
        match number {
            59 => libc::syscall(number, path, argv, envp, a, b),
            322 => libc::syscall(number, directory, path, argv, envp, flags),
            183 => libc::syscall(number, random.of(&[0, 1, 2, a]), word, region.0, a, b),
            16 => libc::syscall(number, 0, 0x5412, word),
            272 => libc::syscall(number, 0x2000_0000_u64),
            _ => libc::syscall(
                number,
                random.of(&[1, 2, 10, a]),
                random.of(&[1, 2, b]),
                0,
                word,
            ),
        }
    }
}

/// A system call by the gate of 32-bit programs, which is open to 64-bit ones as well; it takes the low
/// halves.
fn old_call(number: u64, arguments: [u64; 5]) -> i64 {
    let [first, second, third, fourth, fifth] = arguments;
    let result: u64;
    // SAFETY: as for the calls of the new gate: they read memory, or end this program. The compiler
    // keeps rbx for itself, so that it is put back.
    unsafe {
        std::arch::asm!(
            "xchg {first}, rbx",
            "int 0x80",
            "xchg {first}, rbx",
            first = inout(reg) first => _,
            inlateout("rax") number => result,
            in("rcx") second,
            in("rdx") third,
            in("rsi") fourth,
            in("rdi") fifth,
            out("r8") _,
            out("r9") _,
            out("r10") _,
            out("r11") _,
        );
    }
    result.cast_signed()
}

static STOP: AtomicBool = AtomicBool::new(false);
static SWAPS: AtomicU64 = AtomicU64::new(0);

/// What runs in the sandbox: forks that make calls, while two threads change what they name.
pub(crate) fn fuzz(arguments: &[String]) -> ExitCode {
    let [_, seconds, seed] = arguments else {
        return ExitCode::FAILURE;
    };
    let end = Instant::now() + Duration::from_secs(seconds.parse().unwrap());
    let mut random = Random(seed.parse::<u64>().unwrap() | 1);
    let region = Region::new();
    let threads = [PERMITTED, FORBIDDEN].map(|path| {
        std::thread::spawn(move || {
            while !STOP.load(Ordering::Relaxed) {
                for offset in RACES {
                    region.write(offset, path);
                }
                SWAPS.fetch_add(1, Ordering::Relaxed);
                std::thread::yield_now();
            }
        })
    });
    let (mut forks, mut programs) = (0, 0);
    while Instant::now() < end {
        random.next();
        // SAFETY: the child makes system calls alone, and ends.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            child(region, &mut random);
        }
        assert!(pid > 0, "{}", std::io::Error::last_os_error());
        let mut status = 0;
        // SAFETY: `status` lives until the call returns.
        assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
        forks += 1;
        programs += u64::from(status != EXHAUSTED << 8);
    }
    STOP.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().unwrap();
    }
    let swaps = SWAPS.load(Ordering::Relaxed);
    println!("{forks} forks, {programs} of which became another program, {swaps} swaps");
    // A fuzzer that never comes through shows nothing.
    if programs > 0 && forks > programs {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The status of a fork none of whose calls made it another program.
const EXHAUSTED: i32 = 77;

fn child(region: Region, random: &mut Random) -> ! {
    // SAFETY: system calls on integers and a constant.
    unsafe {
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
        libc::dup2(null, 1);
        libc::dup2(null, 2);
    }
    for _ in 0..8 {
        call(region, random);
    }
    // SAFETY: nothing is left to do.
    unsafe { libc::_exit(EXHAUSTED) }
}
