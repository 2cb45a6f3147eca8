//! Stands in for a program that runs outside the sandbox: passes its descriptors and signals on,
//! stops and goes on with it, and ends as the program does.

use crate::broker::{BrokerAnswer, BrokerSocket};
use crate::kernel::{self, DESCRIPTORS, Errno};
use crate::say;

/// Passes on what the program needs of this process, and waits for its end. `socket` stays here.
pub fn stand_in(mut broker: BrokerSocket, socket: i32) -> u8 {
    match wait(&mut broker, socket) {
        Ok(BrokerAnswer::Exited(status)) => status,
        Ok(BrokerAnswer::Killed(signal)) => {
            kernel::die_of(i32::from(signal));
            signal.saturating_add(128)
        }
        Ok(BrokerAnswer::Deny(words)) => say::refused(words),
        Ok(_) => say::unjudged(&[b"an answer out of order"]),
        Err(errno) => say::gone(errno),
    }
}

fn wait(broker: &mut BrokerSocket, socket: i32) -> Result<BrokerAnswer, Errno> {
    kernel::hold_back();
    let signals = kernel::signals()?;
    pass(broker, socket)?;
    let mut told = 0_u8;
    loop {
        let (answered, signalled) = kernel::wait(broker.stream(), signals)?;
        if answered {
            match broker.answer()? {
                // Who has said so has not heard of every signal yet, and will say it again.
                BrokerAnswer::Stop(after) if after != told => {}
                BrokerAnswer::Stop(_) => kernel::stop(),
                end => return Ok(end),
            }
        }
        if signalled || answered {
            while let Some((number, code)) = kernel::signal(signals)? {
                told = told.wrapping_add(1);
                // Where nobody listens any more, the program has ended: the answer says how.
                let _ = broker.signal(number, code);
            }
        }
    }
}

/// Everything that a program in this place would have: descriptors that stay open at an exec.
fn pass(broker: &BrokerSocket, socket: i32) -> Result<(), Errno> {
    let mut batch = [0; DESCRIPTORS];
    let mut count = 0;
    let mut result = Ok(());
    kernel::descriptors(|number| {
        if number == socket || !kernel::is_inherited(number) || result.is_err() {
            return;
        }
        if count == DESCRIPTORS {
            result = broker.pass(&batch, true);
            count = 0;
        }
        if let Some(place) = batch.get_mut(count) {
            *place = number;
            count += 1;
        }
    })?;
    result?;
    broker.pass(batch.get(..count).unwrap_or_default(), false)
}
