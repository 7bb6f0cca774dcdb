//! The table of operations: what users do beside guard calls, each declared once. Owns the rows and their way from a caller to a
//! handler; the handlers are in the folder, one file for each noun.
//!
//! A row is `verb[levels](Input) -> Output = facts`. `levels` are leading arguments that name what it is about, where a handle
//! does not. The rest is what the compiler checks: [`facts`] says how each operation is reached, what it needs, and how it
//! stands in the audit.

mod accounts;
mod admin;
mod audit;
mod detectors;
mod dispatch;
mod facts;
mod grants;
mod identity;
mod issuers;
mod keys;
mod limits;
mod policies;
mod projects;
mod settings;
mod tokens;
mod usage;

pub use dispatch::{Authorized, Done, Nothing, Operation, Target, call};
pub use facts::{ACCOUNT, ANY, Facts, Method, PLATFORM, PROJECT, Repeat};
pub use limits::acquire;

use std::sync::Arc;

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use crate::{access::Caller, clock::BoxFuture, error::Result, rooms::Rooms};

/// One operation, with everything that is made of it.
pub struct Row {
    /// Where it stands in the tree of handles, e.g. `identity.keys`.
    pub place: &'static str,
    /// The module of its handler, e.g. `keys`.
    pub module: &'static str,
    /// What it does there, e.g. `create`.
    pub verb: &'static str,
    /// What it does, for people: lines of Markdown.
    pub docs: &'static [&'static str],
    /// The leading arguments that name what it is about.
    pub levels: &'static [&'static str],
    /// How it is reached and what it needs.
    pub facts: Facts,
    /// The schema of what it takes; none where it takes nothing.
    pub input: Option<fn(&mut SchemaGenerator) -> Schema>,
    /// The schema of what it gives; none where it gives nothing.
    pub output: Option<fn(&mut SchemaGenerator) -> Schema>,
    /// Does it, with JSON on both sides.
    pub call: fn(Arc<Rooms>, Caller, Target, Value) -> BoxFuture<'static, Result<Value>>,
}

/// A fingerprint of the table and its types, for whoever was made of it.
pub const HASH: &str = include_str!("operations/table.hash").trim_ascii();

/// The row of an operation's name, e.g. `keys.create`.
#[must_use]
pub fn row(name: &str) -> Option<&'static Row> {
    let (module, verb) = name.split_once('.')?;
    TABLE.iter().find(|row| row.module == module && row.verb == verb)
}

impl Row {
    /// Its name, e.g. `keys.create`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}", self.module, self.verb)
    }
}

/// Hands the rows to a macro: `define` makes types and [`TABLE`] of them, and the client makes handles.
macro_rules! with_operations {
    ($macro:ident) => {
        $macro! {
            /// The installation as a whole.
            Admin = "admin" in admin {
                /// Finds what was changed in the data folder, or put there, by somebody else: rows of the catalog that are not ours, and
                /// files among the journals. Empty when all is as it should be.
                call problems() -> Page<String> = get("problems").at(PLATFORM).needs(MANAGE);
                /// Checks the chain of what is done on the platform itself, as `audit.verify` does a project's.
                call verify() -> VerifyReport = post("audit/verify").at(PLATFORM).needs(MANAGE).reads();
            }
            /// Customer organisations.
            Accounts = "admin.accounts" in accounts {
                /// Creates an account. `Conflict` when an id that differs at most in case exists.
                call create(AccountSpec) -> Account =
                    post("accounts").at(PLATFORM).needs(MANAGE).audits("account.create").created().positional(&["id"]);
                /// Gives the account of this id, and creates it where there is none. What exists stays as it is, a suspension included;
                /// `Conflict` (`facts_differ`) when a fact that is given differs from what it has.
                call ensure[account](FactsSpec) -> Account = put("").needs(MANAGE).audits("account.create");
                /// Reads one account.
                call get[account]() -> Account = get("").needs(MANAGE);
                /// Lists all accounts, by id.
                call list() -> Page<Account> = get("accounts").at(PLATFORM).needs(MANAGE);
                /// Suspends an account: every call in it is denied until it is resumed.
                call suspend[account]() -> Account = post("suspend").needs(MANAGE).audits("account.status").safe();
                /// Ends a suspension.
                call resume[account]() -> Account = post("resume").needs(MANAGE).audits("account.status").safe();
                /// Deletes an account and its projects. The name may be used again, with nothing of the old one in it.
                call delete[account]() = delete("").needs(MANAGE).audits("account.delete");
            }
            /// Workspaces of an account.
            Projects = "admin.projects" in projects {
                /// Creates a project in an account, with the baseline permits, floor `enforce` and audit `standard`.
                call create[account](ProjectSpec) -> Project =
                    post("projects").needs(MANAGE).audits("project.create").created().positional(&["id"]);
                /// Gives the project of this id, and creates it where there is none, as `accounts.ensure` does. The account has to exist.
                call ensure[account, project](FactsSpec) -> Project = put("").needs(MANAGE).audits("project.create");
                /// Reads one project.
                call get[account, project]() -> Project = get("").needs(MANAGE);
                /// Lists the projects of an account, by id.
                call list[account]() -> Page<Project> = get("projects").needs(MANAGE);
                /// Suspends a project: every call in it is denied until it is resumed.
                call suspend[account, project]() -> Project = post("suspend").needs(MANAGE).audits("project.status").safe();
                /// Ends a suspension.
                call resume[account, project]() -> Project = post("resume").needs(MANAGE).audits("project.status").safe();
                /// Deletes a project. The name may be used again, with nothing of the old one in it.
                call delete[account, project]() = delete("").needs(MANAGE).audits("project.delete");
            }
            /// Cross-tenant grants.
            Grants = "admin.grants" in grants {
                /// Lets principals of one account act in a project of another, for named actions and a time.
                call create(GrantSpec) -> Grant = post("grants").at(PLATFORM).needs(MANAGE).audits("grant.create").created();
                /// Lists grants that have not ended, by id.
                call list() -> Page<Grant> = get("grants").at(PLATFORM).needs(MANAGE);
                /// Ends a grant at once.
                call revoke(GrantRef) = delete("grants/{id}").at(PLATFORM).needs(MANAGE).audits("grant.revoke").positional(&["id"]);
                /// Reads what crossed between tenants: a stream of its own, read as `audit.query` reads a project's.
                call uses(AuditQuery) -> Page<AuditRecord> = get("grants/uses").at(PLATFORM).needs(MANAGE);
            }
            /// Who callers are.
            Identities = "identity" in identity {
                /// Says who a token or key is, and what it reaches.
                call verify(CredentialRef) -> Identity = post("identity/verify").at(ANY).reads().positional(&["credential"]);
                /// Says who asks, and what it reaches; nobody when it is the process itself.
                call whoami() -> WhoAmI = get("/v1/whoami").at(ANY);
                /// Reads the platform's settings of identity.
                call settings() -> IdentitySettings = get("/v1/admin/identity").at(PLATFORM).needs(MANAGE);
                /// Replaces the platform's settings of identity.
                call put_settings(IdentitySettings) -> IdentitySettings =
                    put("/v1/admin/identity").at(PLATFORM).needs(MANAGE).audits("identity.settings").body(LARGE);
            }
            /// Whose tokens are taken.
            Issuers = "identity.issuers" in issuers {
                /// Takes an issuer's tokens from now on, replacing what was said of it before. Published keys are fetched at once; the
                /// receipt says which keys there are, which are not used and why, and why none could be fetched. An entry that could never
                /// take a token is refused (`issuer_invalid`); keys that cannot be fetched now are no error.
                call put(IssuerSpec) -> IssuerReceipt = put("issuers").at(PLATFORM).needs(MANAGE).audits("issuer.put").body(LARGE);
                /// Looks at the keys of an issuer as they are now; published ones are fetched.
                call check(IssuerRef) -> IssuerReceipt =
                    post("issuers/check").at(PLATFORM).needs(MANAGE).reads().positional(&["issuer"]);
                /// Takes none of an issuer's tokens any more, also none that were taken before.
                call remove(IssuerRef) =
                    delete("issuers").at(PLATFORM).needs(MANAGE).audits("issuer.remove").positional(&["issuer"]);
                /// Lists all issuers by name, without their secrets.
                call list() -> Page<IssuerSpec> = get("issuers").at(PLATFORM).needs(MANAGE);
            }
            /// API keys.
            Keys = "identity.keys" in keys {
                /// Makes a key, no wider than its maker, or imports one by its hash. The key is shown this once.
                call create(KeySpec) -> NewApiKey =
                    post("keys").at(ANY).needs(CREDENTIALS).audits("key.create").created().once().positional(&["name"]);
                /// Lists the keys of a project, an account, or with both empty of the caller's own project or the platform; oldest first.
                call list(KeyFilter) -> Page<ApiKey> = get("keys").at(ANY).needs(CREDENTIALS);
                /// Reads one key, without its secret.
                call get(KeyRef) -> ApiKey = get("keys/{id}").at(ANY).needs(CREDENTIALS).positional(&["id"]);
                /// Ends a key and everything that was exchanged for it, at once.
                call revoke(KeyRef) -> ApiKey =
                    post("keys/{id}/revoke").at(ANY).needs(CREDENTIALS).audits("key.revoke").safe().positional(&["id"]);
                /// Makes a key to take another's place; the old one is taken for `overlap_seconds` more.
                call rotate(KeyRotation) -> NewApiKey =
                    post("keys/{id}/rotate").at(ANY).needs(CREDENTIALS).audits("key.rotate").created().once().positional(&["id"]);
            }
            /// Our own tokens.
            Tokens = "identity.tokens" in tokens {
                /// Exchanges an API key for an access token, or a refresh token for the next pair.
                call exchange(TokenRequest) -> AccessToken = post("/oauth2/token").at(ANY).open().audits("token.issue");
                /// Issues a token for somebody the app itself has authenticated.
                call issue(TokenSpec) -> AccessToken =
                    post("tokens").at(ANY).needs(USERS).audits("token.issue").created().once();
                /// Says what a token or key is worth now; to a caller only those it reaches are worth anything.
                call introspect(TokenRef) -> Introspection = post("/oauth2/token/introspect").at(ANY).reads().positional(&["token"]);
                /// Ends a token; a refresh token with everything it led to. One that is not known is answered the same.
                call revoke(TokenRef) = post("/oauth2/token/revoke").at(ANY).audits("token.revoke").safe().positional(&["token"]);
                /// Publishes our public keys as a JWK set.
                call jwks() -> JsonObject = get("/.well-known/jwks.json").at(ANY).open();
                /// Signs with a new key from now on; the one before stays published until its last token has ended.
                call rotate_signing_key() =
                    post("signing-keys/rotate").at(PLATFORM).needs(MANAGE).audits("signing_key.rotate");
            }
            /// Guard calls, and what inspects their content.
            Guard = "guard" in detectors {
                /// Lists the detectors there are, and the keys policies can read of them.
                call detectors() -> Page<Detector> = get("/v1/shield/detectors").crosses("detectors");
            }
            /// What model calls cost.
            Usage = "usage" in usage {
                /// Prices one model call and writes down what it cost, once per `usage_id` and 48 hours.
                call report(UsageReport) -> UsageReceipt = post("/v1/shield/usage").crosses("usage").reads().once();
            }
            /// Policies of this project and the layers above.
            Policies = "policies" in policies {
                /// Attaches Cedar text under a name, replacing what was there. Bad text is refused and the old stays.
                call put(PolicySpec) -> PolicyReceipt =
                    put("policies/{name}").needs(MANAGE).crosses(MANAGE).audits("policy.put").body(LARGE).positional(&["name", "text"]);
                /// Attaches a pack of our own: `baseline` or `strict`.
                call attach_pack(PackRef) -> PolicyReceipt =
                    post("policies/packs/{pack}").needs(MANAGE).crosses(MANAGE).audits("policy.put").safe().positional(&["pack"]);
                /// Detaches a policy.
                call remove(PolicyRef) =
                    delete("policies/{name}").needs(MANAGE).crosses(MANAGE).audits("policy.remove").positional(&["name"]);
                /// Reads one policy in force, from the given layer.
                call get(PolicyRef) -> PolicySummary = get("policies/{name}").needs(READ).crosses(READ).positional(&["name"]);
                /// Lists the policies in force here, all layers.
                call list() -> Page<PolicySummary> = get("policies").needs(READ).crosses(READ);
            }
            /// Rate limits of this project and the layers above.
            Limits = "limits" in limits {
                /// Sets a rate limit, replacing the one with the same id on the same layer.
                call set(LimitSpec) =
                    put("limits/{id}").needs(MANAGE).crosses(MANAGE).audits("limit.set").positional(&["id", "rate", "per_ms"]);
                /// Removes a rate limit.
                call remove(LimitRef) =
                    delete("limits/{id}").needs(MANAGE).crosses(MANAGE).audits("limit.remove").positional(&["id"]);
                /// Lists the limits in force here, all layers.
                call list() -> Page<LimitSpec> = get("limits").needs(READ).crosses(READ);
            }
            /// Settings of this project.
            TenantSettings = "settings" in settings {
                /// Reads the settings in force.
                call get() -> Settings = get("settings").needs(READ).crosses(READ);
                /// Changes the given fields.
                call update(SettingsPatch) -> Settings =
                    patch("settings").needs(MANAGE).crosses(MANAGE).audits("settings.update");
            }
            /// The audit trail of this project.
            Audit = "audit" in audit {
                /// Reads rows of this project's chain, oldest first unless asked otherwise. A page has at most `limit` rows (up to 10,000)
                /// and 8 MiB of text.
                call query(AuditQuery) -> Page<AuditRecord> = get("audit").needs(READ).crosses(READ);
                /// Recomputes the chain and compares it with the signed heads and, if given, an outside anchor.
                call verify(AuditAnchor) -> VerifyReport = post("audit/verify").needs(READ).crosses(READ).reads();
                /// Signs a fresh head: print it, keep it elsewhere, and give it to `verify` later.
                call head() -> PrintedHead = get("audit/head").needs(READ).crosses(READ);
            }
        }
    };
}
pub(crate) use with_operations;

macro_rules! define {
    ($(
        $(#[doc = $noun:literal])*
        $handle:ident = $place:literal in $module:ident {
            $(
                $(#[doc = $doc:literal])*
                call $verb:ident $([$($level:ident),+])? ($($input:ty)?) $(-> $output:ty)? = $facts:expr;
            )+
        }
    )+) => {
        /// A type for each operation, by module and verb.
        #[allow(non_camel_case_types)] // they are called what they do
        pub mod ops {
            $(
                #[doc = concat!("Operations of `", stringify!($module), "`.")]
                pub mod $module {
                    #[allow(unused_imports)] // each noun has its own few
                    use crate::{api::*, identity::{CREDENTIALS, MANAGE, READ, USERS}, operations::{*, facts::*}};

                    $(
                        $(#[doc = $doc])*
                        pub struct $verb {}

                        impl Operation for $verb {
                            type Input = define!(@type $($input)?, Nothing);
                            type Output = define!(@type $($output)?, ());
                            const NAME: &'static str = concat!(stringify!($module), ".", stringify!($verb));
                            const FACTS: Facts = {
                                let facts: Facts = $facts;
                                let levels: &[&str] = &[$($(stringify!($level)),+)?];
                                facts.checked(levels.len())
                            };

                            fn handle(
                                rooms: &std::sync::Arc<crate::rooms::Rooms>,
                                at: &Authorized,
                                input: Self::Input,
                            ) -> impl Future<Output = crate::error::Result<Done<Self::Output>>> + Send {
                                crate::operations::$module::$verb(rooms, at, input)
                            }
                        }
                    )+
                }
            )+
        }

        /// Every operation.
        pub const TABLE: &[Row] = {
            use crate::api::*;
            &[$($(
                Row {
                    place: $place,
                    module: stringify!($module),
                    verb: stringify!($verb),
                    docs: &[$($doc),*],
                    levels: &[$($(stringify!($level)),+)?],
                    facts: <ops::$module::$verb as Operation>::FACTS,
                    input: define!(@schema $($input)?),
                    output: define!(@schema $($output)?),
                    call: dispatch::erased::<ops::$module::$verb>,
                },
            )+)+]
        };

        /// The nouns: their places in the tree, and what they are.
        pub const NOUNS: &[(&str, &str, &[&str])] = &[$(($place, stringify!($handle), &[$($noun),*])),+];
    };
    (@type , $default:ty) => { $default };
    (@type $type:ty, $default:ty) => { $type };
    (@schema) => { None };
    (@schema $type:ty) => { Some(|generator| generator.subschema_for::<$type>()) };
}
with_operations!(define);
