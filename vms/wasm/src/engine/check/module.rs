//! What of a module the checks look at.

use std::str;

use wasmparser::{
    CompositeInnerType, ExternalKind, FuncToValidate, FunctionBody, MemoryType, Parser, Payload, TypeRef,
    ValType, ValidPayload, Validator, ValidatorResources,
};

use super::{CodeError, FEATURES, MIGRATE_VERSION_SECTION};

/// Parameters and results of a type.
pub(super) type Signature = (Vec<ValType>, Vec<ValType>);
pub(super) type Body<'a> = (FuncToValidate<ValidatorResources>, FunctionBody<'a>);

/// What of a module the checks look at.
#[derive(Default)]
pub(super) struct Module<'a> {
    pub(super) types: Vec<Signature>,
    /// The type of each function, imported ones first.
    pub(super) functions: Vec<u32>,
    pub(super) imports: Vec<(String, TypeRef)>,
    pub(super) tables: Vec<wasmparser::TableType>,
    pub(super) memories: Vec<MemoryType>,
    pub(super) globals: usize,
    pub(super) exports: Vec<(&'a str, ExternalKind, u32)>,
    pub(super) bodies: Vec<Body<'a>>,
    pub(super) max_locals: usize,
    pub(super) total_locals: usize,
    pub(super) total_params: usize,
    pub(super) starts: bool,
    pub(super) migrate_version: Option<u64>,
}

impl Module<'_> {
    pub(super) fn functions_exported(&self) -> impl Iterator<Item = &str> {
        self.exports.iter().filter(|(_, kind, _)| *kind == ExternalKind::Func).map(|(name, ..)| *name)
    }

    pub(super) fn signature(&self, function: u32) -> Option<&Signature> {
        self.types.get(*self.functions.get(function as usize)? as usize)
    }
}

/// Reads all but the bodies, which wait for their validation.
pub(super) fn parse(code: &[u8]) -> Result<Module<'_>, CodeError> {
    let mut validator = Validator::new_with_features(FEATURES);
    let mut module = Module::default();
    for payload in Parser::new(0).parse_all(code) {
        let payload = payload?;
        if let ValidPayload::Func(function, body) = validator.payload(&payload)? {
            let mut locals = 0usize;
            for local in body.get_locals_reader()? {
                locals = locals.saturating_add(local?.0 as usize);
            }
            module.max_locals = module.max_locals.max(locals);
            module.total_locals = module.total_locals.saturating_add(locals);
            module.bodies.push((function, body));
        }
        module.take(payload)?;
    }
    Ok(module)
}

impl<'a> Module<'a> {
    fn take(&mut self, payload: Payload<'a>) -> Result<(), CodeError> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    for kind in group?.into_types() {
                        if let CompositeInnerType::Func(kind) = &kind.composite_type.inner {
                            self.types.push((kind.params().to_vec(), kind.results().to_vec()));
                        }
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    if let TypeRef::Func(kind) = import.ty {
                        self.functions.push(kind);
                    }
                    self.imports.push((format!("{}.{}", import.module, import.name), import.ty));
                }
            }
            Payload::FunctionSection(section) => {
                for kind in section {
                    let kind = kind?;
                    let params = self.types.get(kind as usize).map_or(0, |(params, _)| params.len());
                    self.total_params = self.total_params.saturating_add(params);
                    self.functions.push(kind);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    self.tables.push(table?.ty);
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.memories.push(memory?);
                }
            }
            Payload::GlobalSection(section) => self.globals = section.count() as usize,
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    self.exports.push((export.name, export.kind, export.index));
                }
            }
            Payload::StartSection { .. } => self.starts = true,
            Payload::CustomSection(section) if section.name() == MIGRATE_VERSION_SECTION => {
                let text = str::from_utf8(section.data())
                    .map_err(|error| CodeError::MigrateVersion(error.to_string()))?;
                let version =
                    text.parse().map_err(|_| CodeError::MigrateVersion("not a number".to_owned()))?;
                self.migrate_version = Some(version);
            }
            _ => {}
        }
        Ok(())
    }
}
