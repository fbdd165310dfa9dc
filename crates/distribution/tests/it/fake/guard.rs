//! Who may ask the fake registry what: nobody asked, a password, or tokens from its own server for them.

use std::collections::BTreeMap;

use super::{Reply, Request};

/// What is asked of whoever calls.
#[derive(Clone, Default)]
pub(crate) enum Guard {
    #[default]
    None,
    /// User and password, as they stand in the header.
    Basic(String),
    Tokens(Tokens),
}

/// Tokens that the registry's own server gives out.
#[derive(Clone, Default)]
pub(crate) struct Tokens {
    /// User and password, as they stand in the header.
    pub(crate) basic: String,
    /// The identity token that is as good.
    pub(crate) identity: String,
    /// What may be had without either: `repository:app:pull`.
    pub(crate) public: Vec<String>,
    /// What nobody may have.
    pub(crate) denied: Vec<String>,
    /// What every request needs beside its own.
    pub(crate) extra: Option<String>,
    /// Where tokens are given out, if not here.
    pub(crate) realm: Option<String>,
    /// What the server says how long tokens are good for.
    pub(crate) expires_in: Option<u64>,
    /// What is given out: tokens and what each is good for.
    pub(crate) given: BTreeMap<String, Vec<String>>,
    pub(crate) count: usize,
}

impl Guard {
    /// `None`: go on.
    pub(super) fn check(&mut self, request: &Request, host: &str) -> Option<Reply> {
        let shown = request.header("authorization").unwrap_or_default();
        let unauthorized = || Reply::error(401, "UNAUTHORIZED", "authentication required");
        match self {
            Guard::None => None,
            Guard::Basic(basic) if shown == basic => None,
            Guard::Basic(_) => Some(unauthorized().with("WWW-Authenticate", "Basic realm=\"fake\"")),
            Guard::Tokens(tokens) if request.path == "/token" => Some(tokens.give(request)),
            Guard::Tokens(tokens) => {
                let scopes = tokens.needed(request);
                let token = shown.strip_prefix("Bearer ").unwrap_or_default();
                let good = tokens.given.get(token).is_some_and(|g| scopes.iter().all(|s| g.contains(s)));
                let realm = tokens.realm.clone().unwrap_or_else(|| format!("http://{host}/token"));
                let scope = scopes.join(" ");
                let challenge = format!("Bearer realm=\"{realm}\",service=\"fake\",scope=\"{scope}\"");
                (!good).then(|| unauthorized().with("WWW-Authenticate", &challenge))
            }
        }
    }
}

/// `repository:app:pull` and `repository:app:push` of `repository:app:pull,push`.
fn each(scope: &str) -> Vec<String> {
    let (resource, actions) = scope.rsplit_once(':').unwrap_or_default();
    actions.split(',').map(|action| format!("{resource}:{action}")).collect()
}

impl Tokens {
    fn needed(&self, request: &Request) -> Vec<String> {
        let path = request.path.trim_start_matches("/v2/");
        let end = ["/blobs/", "/manifests/", "/referrers/"].iter().find_map(|p| path.find(p)).unwrap_or(0);
        let reads = matches!(request.method.as_str(), "GET" | "HEAD") && !path.contains("/uploads/");
        let action = if reads { "pull" } else { "push" };
        let own = format!("repository:{}:{action}", &path[..end]);
        std::iter::once(own).chain(self.extra.clone()).collect()
    }

    /// Whether a token may mount from a repository.
    pub(super) fn may_mount(&self, request: &Request, from: &str) -> bool {
        let shown = request.header("authorization").unwrap_or_default();
        let given = self.given.get(shown.trim_start_matches("Bearer "));
        given.is_some_and(|g| g.contains(&format!("repository:{from}:pull")))
    }

    fn give(&mut self, request: &Request) -> Reply {
        let form: Vec<(String, String)> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        let field = |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let by_identity = field("grant_type") == Some("refresh_token");
        let scopes: Vec<String> = match by_identity {
            true => field("scope").unwrap_or_default().split(' ').flat_map(each).collect(),
            false => request.query.iter().filter(|(n, _)| n == "scope").flat_map(|(_, v)| each(v)).collect(),
        };
        let known = match (by_identity, request.header("authorization")) {
            (true, _) => field("refresh_token") == Some(&self.identity),
            (false, Some(shown)) => shown == self.basic,
            (false, None) => false,
        };
        if !known && (by_identity || request.header("authorization").is_some()) {
            return Reply::error(401, "UNAUTHORIZED", "incorrect username or password");
        }
        let may = |s: &String| !self.denied.contains(s) && (known || self.public.contains(s));
        let granted: Vec<String> = scopes.into_iter().filter(may).collect();
        self.count += 1;
        let token = format!("token-{}", self.count);
        self.given.insert(token.clone(), granted);
        let name = if by_identity { "access_token" } else { "token" };
        let body = serde_json::json!({name: token, "expires_in": self.expires_in});
        Reply { status: 200, headers: Vec::new(), body: body.to_string().into_bytes() }
    }
}
