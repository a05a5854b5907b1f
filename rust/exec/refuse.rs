// SPDX-License-Identifier: GPL-2.0

//! What is not done of what is submitted: it is refused for what it asks for, or the ring may not be used for it.

use crate::{
    op::{self, Operation},
    req::OwnedReq,
    ring::{Locked, Ring},
    sys::trace,
    uapi::{
        abi::{nop, setup},
        errno::{Errno, Result, EACCES, ECANCELED, EINVAL, EOPNOTSUPP},
        sqe::{Flags, LinkKind, Sqe},
    },
};

impl Locked<'_> {
    /// Ends a request that cannot be done, or has the link that it is part of end. One that the ring must not be used for
    /// is `denied`.
    pub(super) fn refuse(
        &mut self,
        mut req: OwnedReq,
        sqe: &Sqe,
        head: &mut Option<OwnedReq>,
        error: Errno,
        denied: bool,
    ) -> (Option<OwnedReq>, bool) {
        if trace::req_failed_enabled() {
            self.trace_refused(&req, sqe, error);
        }
        // For a buffer that the opcode does not take, or for its size, it is refused before its flags count.
        let known =
            error != EOPNOTSUPP && op::is_supported(sqe.opcode()) && self.ring.is_large_enough(sqe);
        // As io_uring: that it has to drain for the link before it is found out behind what the ring may be used for.
        let reached = known && !denied;
        let error = if reached && self.is_unknown_personality(sqe.personality()) {
            EINVAL
        } else {
            error
        };
        let job = &mut req.core_mut().job;
        job.flags = Flags::of_refused(sqe.flags(), known);
        job.op = Operation::Nothing;
        job.refuse(error);
        let next = self.state.exec.drain.next;
        let drains = job.flags.drain() || (next && reached);
        if head.is_none() && job.flags.link() == LinkKind::None && !drains {
            self.state.exec.drain.add_refused();
            return (self.finish_plain::<true>(req, error.to_raw(), 0), false);
        }
        self.state.exec.drain.next = next && reached;
        self.submit_linked(req, head);
        self.state.exec.drain.next |= next && !reached;
        // As io_uring: one within a link does not stop the submission.
        (None, head.is_some())
    }

    /// Whether there are no rights of that number, which as with io_uring is found out before anything of the opcode's.
    fn is_unknown_personality(&self, id: u16) -> bool {
        id != 0 && self.state.personalities.get(id).is_none()
    }
}

impl Ring {
    /// Finds out whether the ring has what an SQE of 128 bytes, or one for a completion of 32 bytes, takes.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if it has none of these.
    #[cold] // nop/32
    pub(crate) fn check_large(&self, sqe: &Sqe) -> Result {
        let may_ask = op::spec(sqe.opcode()).is_some_and(|spec| spec.large_cqe);
        let large_cqe = may_ask && sqe.op_flags() & nop::CQE32 != 0;
        if !self.is_large_enough(sqe) || (large_cqe && !self.config.has_large_cqes()) {
            return Err(EINVAL);
        }
        Ok(())
    }

    /// Whether an SQE that was `read`, or refused, is so for a buffer that its opcode does not take, or for its size, which
    /// comes before what the ring may be used for.
    #[cold] // nop/32
    pub(super) fn is_refused_before_flags(&self, read: Result, sqe: &Sqe) -> bool {
        match read {
            Err(EOPNOTSUPP) => op::is_supported(sqe.opcode()),
            Err(_) => !self.is_large_enough(sqe),
            Ok(()) => false,
        }
    }

    /// Whether an SQE has the 128 bytes that its opcode may take.
    #[cold] // nop/32
    fn is_large_enough(&self, sqe: &Sqe) -> bool {
        !sqe.is_large() || self.config.has(setup::SQE128 | setup::SQE_MIXED)
    }

    /// Finds out whether the ring may be used for an SQE.
    ///
    /// # Errors
    ///
    /// `-EACCES` for one that it must not be used for, `-ECANCELED` if the ring has ended, `-EOPNOTSUPP` for an opcode
    /// whose security hook is missing, `-EINVAL` for one that needs a file of its own if files are to be polled.
    #[cold] // nop/32
    pub(crate) fn check_allowed(&self, sqe: &Sqe) -> Result {
        if self
            .restrictions
            .as_ref()
            .is_some_and(|those| !those.allow(sqe))
        {
            return Err(EACCES);
        }
        if self.is_dying() {
            return Err(ECANCELED);
        }
        if !self.policy.ops.allow(sqe.opcode()) {
            return Err(EACCES);
        }
        if self.config.has(setup::IOPOLL) && !op::spec(sqe.opcode()).is_some_and(|spec| spec.iopoll)
        {
            return Err(EINVAL);
        }
        op::check_hooks(sqe.opcode())
    }
}
