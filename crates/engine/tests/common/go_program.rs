//! Programs of Go, as far as a bill of materials looks into them.

/// A program as `go build` leaves it, as far as its build information goes: an ELF file with one section, in which are
/// these lines about modules.
pub(crate) fn go_program(modules: &str) -> Vec<u8> {
    const SECTIONS: usize = 0x40;
    const NAMES: usize = 0x100;
    const INFO: usize = 0x200;
    let text = |text: &[u8]| {
        // All lengths here have two groups of seven bits.
        let length = u16::try_from(text.len()).unwrap();
        [&[(length & 0x7f) as u8 | 0x80, (length >> 7) as u8], text].concat()
    };
    let mark = [b'-'; 16];
    let modules = [&mark, modules.as_bytes(), &mark].concat();
    let info = [&b"\xff Go buildinf:\x08\x02"[..], &[0; 16], &text(b"go1.26"), &text(&modules)].concat();
    let mut file = vec![0; INFO];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"\x7fELF\x02\x01\x01");
    // Type, machine, version; where the sections are; sizes; two sections, of which the first has their names.
    put(16, &[2, 0, 62, 0, 1]);
    put(40, &(SECTIONS as u64).to_le_bytes());
    put(52, &[64, 0, 56, 0, 0, 0, 64, 0, 2, 0, 0, 0]);
    for (i, (name, at, size)) in [(0, NAMES, 32), (1, INFO, info.len())].into_iter().enumerate() {
        let section = SECTIONS + 64 * i;
        put(section, &[name, 0, 0, 0, 1, 0, 0, 0]);
        for (field, value) in [(16, at), (24, at), (32, size)] {
            put(section + field, &(value as u64).to_le_bytes());
        }
    }
    put(NAMES + 1, b".go.buildinfo\0");
    file.extend(info);
    file
}
