//! Who a piece of data belongs to. Owns ids, uids, scopes and the keys built from them; touches only `error`.
//!
//! A [`Scope`] has no public constructor (law 1): holding one proves that an identity layer, or the process that owns
//! the engine, named it. Everything that stores, counts, remembers or proves takes a `&Scope`.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    entropy,
    error::{Error, Result},
};

const MAX_ID: usize = 128;
const MAX_OPAQUE: usize = 512;

/// The reserved project name of systems that know accounts only; no account may be called so.
pub const DEFAULT_PROJECT: &str = "default";

/// An external account or project id: ASCII, 1–128 characters, starts alphanumeric, then `[A-Za-z0-9._-]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id(Arc<str>);

/// A customer organisation.
pub type AccountId = Id;
/// One workspace of an account.
pub type ProjectId = Id;

impl Id {
    /// Checks the grammar; the error names the offending field as `what` (`account` or `project`).
    pub fn parse(what: &str, text: &str) -> Result<Self> {
        let mut bytes = text.bytes();
        let starts_well = bytes.next().is_some_and(|first| first.is_ascii_alphanumeric());
        let rest_well = bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if text.len() > MAX_ID || !starts_well || !rest_well {
            return Err(Error::invalid("scope_id_invalid", format!("{what} id is not acceptable")).with_help(
                "ids are 1 to 128 ASCII characters, start with a letter or digit, then letters, digits, `.`, `_` or `-`",
            ));
        }
        Ok(Self(text.into()))
    }

    /// The id as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two ids that a person would confuse are equal.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl TryFrom<String> for Id {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse("scope", &text)
    }
}

/// A session or user id as an app gave it: opaque, 1–512 bytes of UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OpaqueId(Arc<str>);

impl OpaqueId {
    /// `""` and absent both mean "none"; too long is an error naming `what`.
    pub fn parse(what: &str, text: Option<&str>) -> Result<Option<Self>> {
        match text {
            None | Some("") => Ok(None),
            Some(text) if text.len() > MAX_OPAQUE => {
                Err(Error::invalid("opaque_id_invalid", format!("{what} is longer than {MAX_OPAQUE} bytes")))
            }
            Some(text) => Ok(Some(Self(text.into()))),
        }
    }

    /// The id as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A random 128-bit internal name, never reused: what a deleted account leaves behind can never be met again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Uid([u8; 16]);

impl Uid {
    /// The platform's own uid.
    pub const PLATFORM: Self = Self([0; 16]);
    /// The uid of the platform's stream of what crosses between tenants.
    pub const CROSSINGS: Self = Self([0xff; 16]);

    /// A fresh random uid from the operating system.
    pub fn random() -> Result<Self> {
        entropy::bytes().map(Self)
    }

    /// A uid read back from a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// 32 lower-case hexadecimal digits: the only form that may name a file.
    #[must_use]
    pub fn to_hex(self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }

    /// Reads [`Uid::to_hex`].
    pub fn from_hex(text: &str) -> Result<Self> {
        data_encoding::HEXLOWER
            .decode(text.as_bytes())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| Error::data("uid_invalid", "a stored uid is not 32 hexadecimal digits"))
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl From<Uid> for String {
    fn from(uid: Uid) -> Self {
        uid.to_hex()
    }
}

impl TryFrom<String> for Uid {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::from_hex(&text)
    }
}

/// Where in the hierarchy a scope, policy or limit sits.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// The whole installation.
    Platform,
    /// One customer organisation.
    Account,
    /// One workspace of it.
    #[default]
    Project,
}

impl Layer {
    /// Reads `platform`, `account` or `project`.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "platform" => Ok(Self::Platform),
            "account" => Ok(Self::Account),
            "project" => Ok(Self::Project),
            _ => Err(Error::invalid("layer_invalid", format!("`{text}` is not a layer"))
                .with_help("use `platform`, `account` or `project`")),
        }
    }

    /// The lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Account => "account",
            Self::Project => "project",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Node {
    id: Id,
    uid: Uid,
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum Place {
    Platform,
    /// The platform's chain of what crosses between tenants.
    Crossings,
    Account(Node),
    Project(Node, Node),
}

/// The platform, one account, or one (account, project). Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope(Arc<Place>);

impl Scope {
    // Who may call these four is a closed list, kept by `core/tests/floors.rs`.
    pub(crate) fn mint_platform() -> Self {
        Self(Arc::new(Place::Platform))
    }

    pub(crate) fn mint_crossings() -> Self {
        Self(Arc::new(Place::Crossings))
    }

    pub(crate) fn mint_account(id: AccountId, uid: Uid) -> Self {
        Self(Arc::new(Place::Account(Node { id, uid })))
    }

    pub(crate) fn mint_project(account: &Self, id: ProjectId, uid: Uid) -> Result<Self> {
        match &*account.0 {
            Place::Account(node) => Ok(Self(Arc::new(Place::Project(node.clone(), Node { id, uid })))),
            Place::Platform | Place::Crossings | Place::Project(..) => {
                Err(Error::internal("a project lives in an account"))
            }
        }
    }

    /// The level of the hierarchy this scope names.
    #[must_use]
    pub fn layer(&self) -> Layer {
        match &*self.0 {
            Place::Platform | Place::Crossings => Layer::Platform,
            Place::Account(_) => Layer::Account,
            Place::Project(..) => Layer::Project,
        }
    }

    /// The internal uid of the account it lies in; the platform's own for the platform.
    #[must_use]
    pub fn account_uid(&self) -> Uid {
        match &*self.0 {
            Place::Platform => Uid::PLATFORM,
            Place::Crossings => Uid::CROSSINGS,
            Place::Account(node) | Place::Project(node, _) => node.uid,
        }
    }

    /// The internal name of this scope.
    #[must_use]
    pub fn uid(&self) -> Uid {
        match &*self.0 {
            Place::Platform => Uid::PLATFORM,
            Place::Crossings => Uid::CROSSINGS,
            Place::Account(node) | Place::Project(_, node) => node.uid,
        }
    }

    /// The account, unless this is the platform.
    #[must_use]
    pub fn account_id(&self) -> Option<&AccountId> {
        match &*self.0 {
            Place::Platform | Place::Crossings => None,
            Place::Account(node) | Place::Project(node, _) => Some(&node.id),
        }
    }

    /// The project, if this is one.
    #[must_use]
    pub fn project_id(&self) -> Option<&ProjectId> {
        match &*self.0 {
            Place::Platform | Place::Crossings | Place::Account(_) => None,
            Place::Project(_, node) => Some(&node.id),
        }
    }

    /// The scope one level up; a scope may always act on what encloses it when it is charged or judged.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        match &*self.0 {
            Place::Platform | Place::Crossings => None,
            Place::Account(_) => Some(Self(Arc::new(Place::Platform))),
            Place::Project(node, _) => Some(Self(Arc::new(Place::Account(node.clone())))),
        }
    }

    /// The enclosing scope at `layer`, this one included; an error when `layer` lies below it.
    pub fn at(&self, layer: Layer) -> Result<Self> {
        let mut scope = self.clone();
        loop {
            if scope.layer() == layer {
                return Ok(scope);
            }
            scope = scope.parent().ok_or_else(|| {
                Error::invalid(
                    "layer_invalid",
                    format!("a {} scope has no {} layer", self.layer().name(), layer.name()),
                )
            })?;
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Place::Platform => f.write_str("platform"),
            Place::Crossings => f.write_str("cross-tenant stream"),
            Place::Account(account) => write!(f, "account `{}`", account.id),
            Place::Project(account, project) => write!(f, "project `{}` of account `{}`", project.id, account.id),
        }
    }
}

/// A tenant as a credential names it: by id and, where we made the credential, by uid, so that a name that was deleted
/// and given to another customer is not met again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The external id.
    pub id: Id,
    /// The internal id, if the credential knows it.
    pub uid: Option<Uid>,
}

impl Named {
    fn is(&self, id: &Id, uid: Uid) -> bool {
        self.id == *id && self.uid.is_none_or(|own| own == uid)
    }
}

/// The set of scopes a credential may act in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority(Reach);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reach {
    Everything,
    Account(Named),
    Projects(Named, Vec<Named>),
}

impl Authority {
    pub(crate) const fn everything() -> Self {
        Self(Reach::Everything)
    }

    pub(crate) const fn account(account: Named) -> Self {
        Self(Reach::Account(account))
    }

    pub(crate) const fn projects(account: Named, projects: Vec<Named>) -> Self {
        Self(Reach::Projects(account, projects))
    }

    /// Whether the whole platform is in reach.
    #[must_use]
    pub const fn is_platform(&self) -> bool {
        matches!(self.0, Reach::Everything)
    }

    /// The one account in reach, unless it is the whole platform.
    #[must_use]
    pub const fn account_id(&self) -> Option<&AccountId> {
        match &self.0 {
            Reach::Everything => None,
            Reach::Account(account) | Reach::Projects(account, _) => Some(&account.id),
        }
    }

    /// The projects in reach by name; empty when all of an account, or everything, is.
    pub fn project_ids(&self) -> impl Iterator<Item = &ProjectId> {
        let projects = match &self.0 {
            Reach::Everything | Reach::Account(_) => &[],
            Reach::Projects(_, projects) => projects.as_slice(),
        };
        projects.iter().map(|project| &project.id)
    }

    /// The one (account, project) in reach, when it is exactly one.
    #[must_use]
    pub fn only(&self) -> Option<(&AccountId, &ProjectId)> {
        match &self.0 {
            Reach::Projects(account, projects) => match projects.as_slice() {
                [project] => Some((&account.id, &project.id)),
                _ => None,
            },
            Reach::Everything | Reach::Account(_) => None,
        }
    }

    /// Refuses names that lie outside. Whoever goes on with a scope asks [`Authority::covers`] too: names are not uids.
    pub fn check(&self, account: &AccountId, project: &ProjectId) -> Result<()> {
        let inside = match &self.0 {
            Reach::Everything => true,
            Reach::Account(own) => own.id == *account,
            Reach::Projects(own, projects) => own.id == *account && projects.iter().any(|known| known.id == *project),
        };
        if inside { Ok(()) } else { Err(outside()) }
    }

    /// Refuses a scope that lies outside, by name or by uid.
    pub fn covers(&self, scope: &Scope) -> Result<()> {
        let inside = match (&self.0, &*scope.0) {
            (Reach::Everything, _) => true,
            (Reach::Account(own), Place::Account(account) | Place::Project(account, _)) => {
                own.is(&account.id, account.uid)
            }
            (Reach::Projects(own, projects), Place::Project(account, project)) => {
                own.is(&account.id, account.uid) && projects.iter().any(|known| known.is(&project.id, project.uid))
            }
            _ => false,
        };
        if inside { Ok(()) } else { Err(outside()) }
    }

    /// Whether everything `other` reaches lies within this. Names alone do not count where this one knows the uid.
    #[must_use]
    pub fn encloses(&self, other: &Self) -> bool {
        let same = |own: &Named, other: &Named| own.id == other.id && (own.uid.is_none() || own.uid == other.uid);
        match (&self.0, &other.0) {
            (Reach::Everything, _) => true,
            (_, Reach::Everything) | (Reach::Projects(..), Reach::Account(_)) => false,
            (Reach::Account(own), Reach::Account(other) | Reach::Projects(other, _)) => same(own, other),
            (Reach::Projects(own, ours), Reach::Projects(other, theirs)) => {
                same(own, other) && theirs.iter().all(|project| ours.iter().any(|known| same(known, project)))
            }
        }
    }

    /// Whether the account of `scope` is the one this reaches, or reaches a part of.
    #[must_use]
    pub fn is_of(&self, scope: &Scope) -> bool {
        match (&self.0, &*scope.0) {
            (Reach::Account(own) | Reach::Projects(own, _), Place::Account(account) | Place::Project(account, _)) => {
                own.is(&account.id, account.uid)
            }
            _ => false,
        }
    }

    /// Refuses everyone but the platform.
    pub fn check_platform(&self) -> Result<()> {
        if self.is_platform() { Ok(()) } else { Err(outside()) }
    }
}

/// The answer to whoever asks for a scope its credential does not reach.
#[must_use]
pub fn outside() -> Error {
    Error::new(
        crate::error::ErrorKind::PermissionDenied,
        "outside_authority",
        "the credential does not reach this scope",
    )
}

/// What a [`Key`] addresses, so that two rooms can never build equal keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum KeyKind {
    /// A rate cell.
    Rate = 1,
    /// A session.
    Session = 2,
    /// A cached instance.
    Instance = 3,
}

/// A composite key: scope uid, kind, then length-prefixed fields. Injective by construction (law 3).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Box<[u8]>);

impl Key {
    /// The key of `fields` inside `scope`.
    #[must_use]
    pub fn new(scope: &Scope, kind: KeyKind, fields: &[&[u8]]) -> Self {
        let size = 17 + fields.iter().map(|field| field.len() + 4).sum::<usize>();
        let mut bytes = Vec::with_capacity(size);
        bytes.extend_from_slice(scope.uid().as_bytes());
        bytes.push(kind as u8);
        for field in fields {
            // INVARIANT: every field is bounded (ids ≤ 512 bytes), so the length always fits.
            bytes.extend_from_slice(&u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend_from_slice(field);
        }
        Self(bytes.into_boxed_slice())
    }

    /// The encoded form, for stores.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this key belongs to `scope`: checked again on every hit.
    #[must_use]
    pub fn belongs_to(&self, scope: &Scope) -> bool {
        self.0.starts_with(scope.uid().as_bytes())
    }
}
