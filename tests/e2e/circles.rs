//! No files of a crate import each other in a circle, so that each can be read after those
//! that it imports.
//!
//! A file imports another where it names something that the other defines. A re-export
//! (`pub use`) is followed to that file and is itself no import: `mod.rs` and `lib.rs` may
//! show what lies below them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use syn::{
    Attribute, File, Item, ItemUse, UseTree, Visibility,
    visit::{self, Visit},
};

use crate::directions::{rooms, sources};
use crate::support::root;

/// A module path within its crate; the crate's root is empty.
type Module = Vec<String>;

/// What one file defines, re-exports and names.
#[derive(Default)]
struct Names {
    defined: BTreeSet<String>,
    /// Paths as written, each with the name that it is known by here.
    reexported: Vec<(String, Vec<String>)>,
    imported: Vec<(String, Vec<String>)>,
    named: Vec<Vec<String>>,
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|word| word == "test")
    })
}

/// Every path of a use tree, with the name that it ends up as.
fn flatten(tree: &UseTree, before: &[String], out: &mut Vec<(String, Vec<String>)>) {
    let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
    match tree {
        UseTree::Path(path) => flatten(&path.tree, &with(&path.ident), out),
        UseTree::Name(name) if name.ident == "self" => {
            out.push((before.last().cloned().unwrap_or_default(), before.to_vec()));
        }
        UseTree::Name(name) => out.push((name.ident.to_string(), with(&name.ident))),
        UseTree::Rename(name) => out.push((name.rename.to_string(), with(&name.ident))),
        UseTree::Glob(_) => out.push(("*".into(), before.to_vec())),
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, before, out);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast Item) {
        let (name, attributes) = match item {
            Item::Const(item) => (Some(&item.ident), &item.attrs),
            Item::Enum(item) => (Some(&item.ident), &item.attrs),
            Item::Fn(item) => (Some(&item.sig.ident), &item.attrs),
            Item::Static(item) => (Some(&item.ident), &item.attrs),
            Item::Struct(item) => (Some(&item.ident), &item.attrs),
            Item::Trait(item) => (Some(&item.ident), &item.attrs),
            Item::Type(item) => (Some(&item.ident), &item.attrs),
            Item::Macro(item) => (item.ident.as_ref(), &item.attrs),
            Item::Impl(item) => (None, &item.attrs),
            Item::Mod(item) => (None, &item.attrs),
            Item::Use(item) => (None, &item.attrs),
            _ => return visit::visit_item(self, item),
        };
        if is_test(attributes) {
            return;
        }
        self.defined.extend(name.map(ToString::to_string));
        visit::visit_item(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let out = match item.vis {
            Visibility::Inherited => &mut self.imported,
            _ => &mut self.reexported,
        };
        flatten(&item.tree, &[], out);
    }

    /// `pub(crate)` names a module and imports nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        // A name alone is no module: a variable may be called as one.
        if path.segments.len() > 1 {
            let segments = path.segments.iter().map(|part| part.ident.to_string());
            self.named.push(segments.collect());
        }
        visit::visit_path(self, path);
    }
}

/// The files of one crate by their module paths.
struct Crate(BTreeMap<Module, Names>);

impl Crate {
    fn read(room: &str) -> Self {
        let folder = root().join("crates").join(room).join("src");
        let files = sources(room).into_iter().map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let file: File = syn::parse_file(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let mut names = Names::default();
            names.visit_file(&file);
            (module(path.strip_prefix(&folder).unwrap()), names)
        });
        Self(files.collect())
    }

    /// The file that a path written in `from` leads to, and what follows the module.
    fn resolve(&self, from: &Module, path: &[String]) -> Option<(Module, Vec<String>)> {
        let mut module = from.clone();
        let mut rest = path;
        match rest.first()?.as_str() {
            "crate" => (module, rest) = (Module::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            "super" => {}
            first
                if self
                    .0
                    .contains_key(&[from.as_slice(), &[first.into()]].concat()) => {}
            _ => return None,
        }
        while rest.first().is_some_and(|part| part == "super") {
            module.pop();
            rest = &rest[1..];
        }
        while let Some(next) = rest.first() {
            let below = [module.as_slice(), std::slice::from_ref(next)].concat();
            if !self.0.contains_key(&below) {
                break;
            }
            (module, rest) = (below, &rest[1..]);
        }
        Some((module, rest.to_vec()))
    }

    /// The files that a path written in `from` passes: those that hand the name on, and last the one
    /// that defines it.
    fn passes(&self, from: &Module, path: &[String], depth: usize) -> Vec<Module> {
        let Some((module, rest)) = self.resolve(from, path) else {
            return Vec::new();
        };
        let Some(name) = rest.first() else {
            return vec![module];
        };
        let names = &self.0[&module];
        if depth == 0 || names.defined.contains(name) {
            return vec![module];
        }
        let mut shown = names.reexported.iter().chain(&names.imported);
        if let Some((_, path)) = shown.find(|(known_as, _)| known_as == name) {
            // Nothing more where it comes from another crate.
            let mut passed = self.passes(&module, path, depth - 1);
            passed.insert(0, module);
            return passed;
        }
        // `pub use child::*`: whichever of them defines it.
        let globs = names
            .reexported
            .iter()
            .filter(|(known_as, _)| known_as == "*");
        let below = globs
            .filter_map(|(_, path)| self.resolve(&module, path))
            .map(|(below, _)| below)
            .find(|below| self.0[below].defined.contains(name));
        std::iter::once(module).chain(below).collect()
    }

    fn imports(&self) -> BTreeMap<&Module, BTreeSet<Module>> {
        let edges = self.0.iter().map(|(from, names)| {
            let paths = names.imported.iter().map(|(_, path)| path);
            let to = paths
                .chain(&names.named)
                .flat_map(|path| self.passes(from, path, 8))
                // The root of a crate hands on the names of all.
                .filter(|to| to != from && !to.is_empty());
            (from, to.collect())
        });
        edges.collect()
    }
}

fn module(file: &Path) -> Module {
    let mut parts: Module = file
        .with_extension("")
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    if parts
        .last()
        .is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str()))
    {
        parts.pop();
    }
    parts
}

/// Every file that is reached from `start` over one import or more.
fn reached(edges: &BTreeMap<&Module, BTreeSet<Module>>, start: &Module) -> BTreeSet<Module> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&Module> = vec![start];
    while let Some(module) = open.pop() {
        for next in &edges[module] {
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    seen
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut found = String::new();
    for room in rooms().keys() {
        let files = Crate::read(room);
        let edges = files.imports();
        let reach: BTreeMap<&Module, _> = edges
            .keys()
            .map(|module| (*module, reached(&edges, module)))
            .collect();
        for (module, to) in &edges {
            for other in to.iter().filter(|other| reach[other].contains(*module)) {
                found += &format!(
                    "crates/{room}: {} -> {}\n",
                    module.join("/"),
                    other.join("/")
                );
            }
        }
    }
    assert!(
        found.is_empty(),
        "imports that are part of a circle:\n{found}"
    );
}

#[test]
fn imports_are_followed_through_reexports() {
    let names = |text: &str| {
        let mut names = Names::default();
        names.visit_file(&syn::parse_file(text).unwrap());
        names
    };
    let module = |path: &str| -> Module { path.split('/').map(String::from).collect() };
    let files = Crate(BTreeMap::from([
        (
            Module::new(),
            names("mod a; mod b; pub use a::{Left as Shown, deep::Far};"),
        ),
        (
            module("a"),
            names("pub struct Left(crate::b::Right); pub mod deep;"),
        ),
        (
            module("a/deep"),
            names("pub struct Far; #[cfg(test)] use crate::b::Right;"),
        ),
        (
            module("b"),
            names("use crate::{Far, Shown}; pub struct Right;"),
        ),
    ]));
    let edges = files.imports();
    let to = |path: &str| edges[&module(path)].iter().cloned().collect::<Vec<_>>();
    assert_eq!(to("b"), [module("a"), module("a/deep")]);
    assert_eq!(to("a"), [module("b")]);
    assert!(to("a/deep").is_empty());
    assert!(edges[&Module::new()].is_empty());
    assert!(reached(&edges, &module("b")).contains(&module("b")));
}
