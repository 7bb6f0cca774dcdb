//! Rates: who may call how often, at every level at once. Owns limits; touches ground and `store`.

mod queue;

use std::{future::Future, pin::pin, sync::Arc, task::Poll, time::Duration};

use queue::Queues;

use crate::{
    api::{LimitKey, LimitSpec, OnExceed, Principal},
    clock::Clock,
    context_keys::Action,
    error::{Error, ErrorKind, Result},
    keyring::{Hasher, Keyring},
    runtime,
    scope::{Key, KeyKind, OpaqueId, Scope},
    store::{Cell, Counters, Taken},
};

/// A limit and the level it is counted at.
#[derive(Clone, Debug)]
pub struct ActiveLimit {
    /// The limit.
    pub spec: LimitSpec,
    /// The enclosing scope it is attached to.
    pub scope: Scope,
}

/// What a call is counted by.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Where.
    pub scope: &'a Scope,
    /// Who calls.
    pub principal: &'a Principal,
    /// In which session.
    pub session: Option<&'a OpaqueId>,
    /// With which tool.
    pub tool: Option<&'a str>,
    /// To do what.
    pub action: Action,
}

/// What the limits say of one call.
pub enum Charged {
    /// There was room; it is held until settled or dropped.
    Granted(Granted),
    /// A `reject` limit, or a queue whose wait ran out, had none. Nothing is held.
    Exceeded(Exceeded),
}

/// Room that was taken.
pub struct Granted {
    /// Gives the room back when dropped unsettled.
    pub reservation: Reservation,
    /// The least room left among limits per minute, in percent; none without such a limit.
    pub per_minute_left: Option<u8>,
    /// Whether a `report` limit per minute was exceeded.
    pub per_minute_exceeded: bool,
    /// Time spent in line.
    pub waited: Duration,
}

/// A limit without room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// Which limit.
    pub limit_id: String,
    /// When the same call may pass; none when it never can.
    pub retry_after: Option<Duration>,
}

/// What of a call a limit counts by.
#[derive(Clone, Copy)]
enum Value<'a> {
    None,
    Principal(&'a Principal),
    Session(&'a str),
    /// A tool, an action or a key of the app's own.
    Name(&'a str),
}

/// Charged cells. Dropping it unsettled gives them back.
#[must_use]
pub struct Reservation {
    held: Vec<(Arc<dyn Counters>, Vec<Cell>)>,
}

impl Reservation {
    /// Keeps the charge.
    pub fn settle(mut self) {
        self.held.clear();
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        for (counters, cells) in self.held.drain(..) {
            counters.refund(&cells);
        }
    }
}

/// The room's state: counters of this process, counters shared through the store, and lines.
pub struct Quota {
    local: Arc<dyn Counters>,
    shared: Arc<dyn Counters>,
    clock: Arc<dyn Clock>,
    lines: Queues,
    /// Names counters by what callers send, which may be long, or a secret.
    hasher: Hasher,
}

impl Quota {
    /// A room over counters of this process and counters shared by all processes on the data folder.
    pub fn new(
        local: Arc<dyn Counters>,
        shared: Arc<dyn Counters>,
        keyring: &Keyring,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        Ok(Self { local, shared, clock, lines: Queues::default(), hasher: keyring.limit_hasher()? })
    }

    /// Forgets what is no longer owed. Called by the housekeeper.
    pub async fn sweep(&self) -> Result<()> {
        self.local.sweep().await?;
        self.shared.sweep().await
    }

    /// Forgets the counters of a scope that was deleted.
    pub async fn forget(&self, scope: &Scope) -> Result<()> {
        self.local.forget(scope).await?;
        self.shared.forget(scope).await
    }

    /// Takes room from every limit that counts this call, or from none. With `dry` nothing is taken or waited for.
    pub async fn admit(&self, limits: &[ActiveLimit], subject: Subject<'_>, dry: bool) -> Result<Charged> {
        let counted = limits.iter().filter_map(|limit| Some((limit, self.cell(limit, subject)?)));
        let (reporting, binding): (Vec<_>, Vec<_>) =
            counted.partition(|(limit, _)| limit.spec.on_exceed == OnExceed::Report);
        let mut per_minute_exceeded = false;
        let mut per_minute_left = None;
        let mut reservation = Reservation { held: Vec::new() };
        for (limit, cell) in reporting {
            let taken = self.take(limit.spec.shared, vec![cell], dry, &mut reservation).await?;
            note_room(&mut per_minute_left, &[limit], &taken);
            per_minute_exceeded |= !matches!(taken, Taken::Granted(_)) && limit.spec.per_ms == 60_000;
        }
        let (limits, cells): (Vec<&ActiveLimit>, Vec<Cell>) = binding.into_iter().unzip();
        let waited = match self.bind(&limits, &cells, dry, &mut per_minute_left, &mut reservation).await? {
            Ok(waited) => waited,
            Err(exceeded) => return Ok(Charged::Exceeded(exceeded)),
        };
        Ok(Charged::Granted(Granted { reservation, per_minute_left, per_minute_exceeded, waited }))
    }

    /// Takes `cost` from one limit for work of the app's own.
    pub async fn acquire(&self, limit: &ActiveLimit, scope: &Scope, key: &str, cost: u32) -> Result<()> {
        // The same counters guard calls use: one for the whole scope, or the user's own.
        let user = Principal::user(key);
        let value = match limit.spec.key {
            LimitKey::Scope => Value::None,
            LimitKey::Principal => Value::Principal(&user),
            LimitKey::Session => Value::Session(key),
            LimitKey::Tool | LimitKey::Custom | LimitKey::Action => Value::Name(key),
        };
        let cell = self.keyed(limit, scope, value, u64::from(cost));
        let mut reservation = Reservation { held: Vec::new() };
        let outcome = self.bind(&[limit], &[cell], false, &mut None, &mut reservation).await?;
        match outcome {
            Ok(_) => {
                reservation.settle();
                Ok(())
            }
            Err(exceeded) => {
                let error = Error::new(
                    ErrorKind::RateLimited,
                    "limit_exceeded",
                    format!("limit `{}` is exhausted", limit.spec.id),
                );
                Err(match exceeded.retry_after {
                    Some(after) => error.with_retry_after(after),
                    None => error.with_help("the cost is larger than the limit's rate, so it can never fit"),
                })
            }
        }
    }

    /// The cell a guard call is counted in, or none when the limit does not count it.
    fn cell(&self, limit: &ActiveLimit, subject: Subject<'_>) -> Option<Cell> {
        if !limit.spec.action.is_empty() && limit.spec.action != subject.action.name() {
            return None;
        }
        let value = match limit.spec.key {
            LimitKey::Custom => return None,
            LimitKey::Scope => Value::None,
            LimitKey::Principal => Value::Principal(subject.principal),
            // Leaving the session out must not be a way around: such calls share one counter.
            LimitKey::Session => Value::Session(subject.session.map_or("", OpaqueId::as_str)),
            LimitKey::Tool => Value::Name(subject.tool?),
            LimitKey::Action => Value::Name(subject.action.name()),
        };
        Some(self.keyed(limit, subject.scope, value, 1))
    }

    /// On a layer above the project a session still belongs to its project, and a principal to its account: one tenant's
    /// names never use up another's counters.
    fn keyed(&self, limit: &ActiveLimit, scope: &Scope, value: Value<'_>, cost: u64) -> Cell {
        let account = scope.account_uid();
        let hashed = match value {
            Value::None => None,
            Value::Principal(principal) => {
                let kind = principal.kind.entity_type().as_bytes();
                Some(self.hasher.short([account.as_bytes().as_slice(), kind, &[0], principal.id.as_bytes()]))
            }
            Value::Session(session) => Some(self.hasher.short([scope.uid().as_bytes().as_slice(), session.as_bytes()])),
            Value::Name(name) => Some(self.hasher.short([name.as_bytes()])),
        };
        let value = hashed.as_ref().map_or(&[] as &[u8], |hash| hash.as_slice());
        Cell {
            key: Key::new(&limit.scope, KeyKind::Rate, &[limit.spec.id.as_bytes(), &[limit.spec.key as u8], value]),
            scope: limit.scope.clone(),
            account,
            rate: u64::from(limit.spec.rate),
            per_nanos: limit.spec.per_ms.saturating_mul(1_000_000),
            cost,
        }
    }

    /// Takes from the counters of this process or from the shared ones, into `reservation`. What is on its way to a disk cannot
    /// be called back: where nobody waits for it any more it is given back once it is there.
    async fn take(&self, shared: bool, cells: Vec<Cell>, dry: bool, reservation: &mut Reservation) -> Result<Taken> {
        let counters = Arc::clone(if shared { &self.shared } else { &self.local });
        let taking = async move {
            let taken = counters.take(&cells, !dry).await?;
            let held = (!dry && matches!(taken, Taken::Granted(_))).then_some((counters, cells));
            Ok((taken, Reservation { held: held.into_iter().collect() }))
        };
        let (taken, mut own) = if shared && !dry { runtime::run_to_completion(taking).await? } else { taking.await? };
        reservation.held.append(&mut own.held);
        Ok(taken)
    }

    /// Takes every binding cell, waiting in line for `queue` limits. Returns the time waited.
    async fn bind(
        &self,
        limits: &[&ActiveLimit],
        cells: &[Cell],
        dry: bool,
        left: &mut Option<u8>,
        reservation: &mut Reservation,
    ) -> Result<std::result::Result<Duration, Exceeded>> {
        if cells.is_empty() {
            return Ok(Ok(Duration::ZERO));
        }
        let start = self.clock.now().steady_nanos;
        let waited = || Duration::from_nanos(self.clock.now().steady_nanos.saturating_sub(start));
        // Newcomers never overtake a line.
        let queued = limits
            .iter()
            .zip(cells)
            .find(|(limit, cell)| limit.spec.on_exceed == OnExceed::Queue && !dry && !self.lines.is_empty(&cell.key));
        let mut turn = match queued {
            Some((limit, cell)) => match self.lines.join(&cell.key, cell.account) {
                Some(turn) => Some((turn, *limit)),
                None => return Ok(Err(exceeded(limit, None))),
            },
            None => None,
        };
        loop {
            let mut pause = None;
            if turn.as_ref().is_none_or(|(turn, _)| turn.is_first()) {
                match self.take_all(limits, cells, dry, left, reservation).await? {
                    Ok(()) => return Ok(Ok(waited())),
                    Err((index, retry_nanos)) => {
                        let Some((limit, cell)) = limits.get(index).zip(cells.get(index)) else {
                            return Err(Error::internal("a limit was lost"));
                        };
                        if dry || limit.spec.on_exceed != OnExceed::Queue || retry_nanos == u64::MAX {
                            return Ok(Err(exceeded(limit, Some(retry_nanos))));
                        }
                        pause = Some(Duration::from_nanos(retry_nanos));
                        if turn.as_ref().is_none_or(|(turn, _)| !turn.is_at(&cell.key)) {
                            match self.lines.join(&cell.key, cell.account) {
                                Some(joined) => turn = Some((joined, limit)),
                                None => return Ok(Err(exceeded(limit, Some(retry_nanos)))),
                            }
                        }
                    }
                }
            }
            let Some((place, limit)) = &turn else { continue };
            let cap = Duration::from_millis(limit.spec.max_wait_ms);
            let Some(rest) = cap.checked_sub(waited()).filter(|rest| !rest.is_zero()) else {
                return Ok(Err(exceeded(limit, None)));
            };
            // First in line waits for room; the others wait to be called. Both give up at the cap.
            let first = place.is_first();
            let timer = self.clock.sleep(pause.filter(|_| first).unwrap_or(rest).min(rest));
            either(timer, place.called()).await;
        }
    }

    /// One attempt at every cell, local before shared, all or none.
    async fn take_all(
        &self,
        limits: &[&ActiveLimit],
        cells: &[Cell],
        dry: bool,
        left: &mut Option<u8>,
        reservation: &mut Reservation,
    ) -> Result<std::result::Result<(), (usize, u64)>> {
        // Given back when the second store fails or the call is dropped while it waits.
        let mut taken_here = Reservation { held: Vec::new() };
        for shared in [false, true] {
            let places: Vec<usize> =
                limits.iter().enumerate().filter(|(_, limit)| limit.spec.shared == shared).map(|(at, _)| at).collect();
            if places.is_empty() {
                continue;
            }
            let some: Vec<Cell> = places.iter().filter_map(|at| cells.get(*at).cloned()).collect();
            let taken = self.take(shared, some, dry, &mut taken_here).await?;
            let their: Vec<&ActiveLimit> = places.iter().filter_map(|at| limits.get(*at).copied()).collect();
            note_room(left, &their, &taken);
            if let Taken::Refused { index, retry_nanos } = taken {
                return Ok(Err((places.get(index).copied().unwrap_or(0), retry_nanos)));
            }
        }
        reservation.held.append(&mut taken_here.held);
        Ok(Ok(()))
    }
}

fn exceeded(limit: &ActiveLimit, retry_nanos: Option<u64>) -> Exceeded {
    let retry_after = match retry_nanos {
        Some(u64::MAX) => None,
        Some(nanos) => Some(Duration::from_nanos(nanos)),
        // A line that was too long: one period is when everybody ahead may have gone.
        None => Some(Duration::from_millis(limit.spec.per_ms)),
    };
    Exceeded { limit_id: limit.spec.id.clone(), retry_after }
}

fn note_room(left: &mut Option<u8>, limits: &[&ActiveLimit], taken: &Taken) {
    let Taken::Granted(rooms) = taken else {
        if limits.iter().any(|limit| limit.spec.per_ms == 60_000) {
            *left = Some(0);
        }
        return;
    };
    for (limit, room) in limits.iter().zip(rooms) {
        if limit.spec.per_ms == 60_000 {
            let percent =
                u8::try_from(room.saturating_mul(100) / u64::from(limit.spec.rate.max(1))).unwrap_or(100).min(100);
            *left = Some(left.map_or(percent, |before| before.min(percent)));
        }
    }
}

/// Resolves with the first of two.
async fn either(one: impl Future<Output = ()>, two: impl Future<Output = ()>) {
    let (mut one, mut two) = (pin!(one), pin!(two));
    std::future::poll_fn(|context| {
        if one.as_mut().poll(context).is_ready() || two.as_mut().poll(context).is_ready() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}
