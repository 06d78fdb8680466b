import Electrocardiography
import Runtime

/// Records that a command was given, with the name of each among them.
struct ListedRecord {
    /// The record, with or without `.hea`.
    let path: FilePath
    /// Its path below the folder that was given, without `.hea`; for one that was given itself, its name.
    let name: FilePath

    /// Names records so that no two files have one name: as many of the folders above as that takes stand before it.
    ///
    /// - Parameter paths: Records, each with how many of the last parts of its path are its name at least.
    /// - Returns: The records in the same order.
    static func named(_ paths: [(path: FilePath, parts: Int)]) -> [ListedRecord] {
        let slash = UInt8(ascii: "/")
        let components = paths.map { record -> [FilePath] in
            let path = record.path.absolute
            let plain = path.hasSuffix(".hea") ? path.dropLast(4) : path
            return plain.bytes.split(separator: slash).map { FilePath(bytes: $0) }
        }
        var parts = paths.map(\.parts)
        func name(_ index: Int) -> FilePath {
            components[index].suffix(parts[index]).reduce("") { $0.appending($1) }
        }
        while true {
            let byName = Dictionary(grouping: paths.indices, by: name)
            let shared = byName.values.filter { Set($0.map { components[$0] }).count > 1 }
            guard !shared.isEmpty else { break }
            for index in shared.joined() { parts[index] += 1 }
        }
        return paths.indices.map { ListedRecord(path: paths[$0].path, name: name($0)) }
    }
}
