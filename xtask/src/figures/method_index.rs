//! Which module a method call leads to, as far as that is known without types. A call on `self` is known exactly. For
//! any other receiver the name decides: if one `impl` block of the crate has it, with as many arguments, and no common
//! type of the standard library has it too. So calls of methods with common names are left out.

use std::collections::{BTreeMap, BTreeSet};

use syn::{ExprMethodCall, ImplItem, Item};

use super::crate_source::CrateSource;
use super::module_names::{ModuleNames, TypePlace};

/// Methods that common types of the standard library have; one that has such a name is only known by `self`.
const STANDARD: &str = "abs all and_then any append arg args as_bytes as_deref as_mut as_path as_ref as_secs as_str borrow \
    by_ref bytes canonicalize chain chars chunks clear clone cloned cmp collect components contains contains_key copied copy \
    count current_dir cycle dedup display drain elapsed ends_with entry enumerate eq err exists expect extend extension \
    file_name file_stem file_type fill filter filter_map find find_map first flat_map flatten flush fmt fold for_each get \
    get_mut get_or_insert_with hash id insert inspect into into_iter is_absolute is_dir is_empty is_err is_file is_none \
    is_none_or is_ok is_some is_some_and is_symlink iter iter_mut join keys kill kind last len lines load lock map map_err \
    map_or map_or_else max max_by_key metadata min min_by_key modified name next nth ok ok_or ok_or_else or or_else parent parse \
    partition path peek permissions poll pop pop_front position push push_back push_str range read read_dir read_exact \
    read_line read_to_end read_to_string recv remove repeat replace resize retain rev reverse seek send set set_len skip \
    skip_while sort sort_by sort_by_key spawn split split_at split_first split_last split_off split_once starts_with status \
    step_by store strip_prefix strip_suffix sum swap sync_all take take_while to_lowercase to_owned to_str to_string to_vec \
    trim truncate try_into unwrap unwrap_or unwrap_or_default unwrap_or_else values wait windows write write_all zip";

/// The methods of a crate.
pub(crate) struct MethodIndex {
    of_type: BTreeMap<(TypePlace, String), Vec<String>>,
    /// The module and the number of arguments; `None` if several blocks have the name.
    by_name: BTreeMap<String, Option<(Vec<String>, usize)>>,
}

impl MethodIndex {
    pub(crate) fn of(source: &CrateSource, names: &ModuleNames) -> Self {
        let standard: BTreeSet<&str> = STANDARD.split_whitespace().collect();
        let mut index = Self { of_type: BTreeMap::new(), by_name: BTreeMap::new() };
        for (path, module) in source {
            for item in &module.syntax.items {
                let Item::Impl(block) = item else { continue };
                let own_type = names.type_place(path, &block.self_ty).filter(|_| block.trait_.is_none());
                for item in &block.items {
                    let ImplItem::Fn(function) = item else { continue };
                    let name = function.sig.ident.to_string();
                    let receiver = function.sig.receiver().filter(|_| !standard.contains(&*name));
                    let place = own_type.as_ref().and(receiver).map(|_| (path.clone(), function.sig.inputs.len() - 1));
                    index.by_name.entry(name.clone()).and_modify(|place| *place = None).or_insert(place);
                    if let Some(own_type) = &own_type {
                        index.of_type.insert((own_type.clone(), name), path.clone());
                    }
                }
            }
        }
        index
    }

    /// The module whose method is called, in an `impl` block of `own_type`.
    pub(crate) fn module(&self, call: &ExprMethodCall, own_type: Option<&TypePlace>) -> Option<&Vec<String>> {
        let name = call.method.to_string();
        let on_self = matches!(&*call.receiver, syn::Expr::Path(path) if path.path.is_ident("self"));
        if on_self {
            return self.of_type.get(&(own_type?.clone(), name));
        }
        let (module, arguments) = self.by_name.get(&name)?.as_ref()?;
        (*arguments == call.args.len()).then_some(module)
    }
}
