import CSystem
import Foundation
import Runtime

/// How a directory behaves that workers share: its speed, and whether the promises hold that checkpoints rest on.
public struct SharedDirectory: Sendable {
    /// Its path.
    public let path: FilePath

    /// The directory itself, or the nearest folder above it that is there already.
    private let nearest: FilePath

    /// A directory; where it is not there yet, the nearest one above it is looked at, in which it will be made.
    public init(path: FilePath) {
        self.path = path
        var nearest = path
        while !nearest.exists, nearest.parent != nearest { nearest = nearest.parent }
        self.nearest = nearest
    }

    /// What is looked at, and why it is not what was asked for.
    private var place: String {
        nearest == path ? "\(path)" : "\(path) is not there yet and will be made in \(nearest)"
    }

    /// Writes, flushes, renames and reads small files and one large one, and removes all of them.
    ///
    /// - Parameter largeBytes: Size of the large file.
    /// - Returns: Speed and room, or what is wrong.
    public func finding(largeBytes: Int = 32 << 20) -> Finding {
        do {
            return try measure(largeBytes: largeBytes)
        } catch {
            return Finding(
                "directory", .problem, "\(error)",
                remedy: "the run directory must be readable and writable for every worker's user; "
                    + "choose another with --directory",
                values: ["path": .string(path.text)])
        }
    }

    private func measure(largeBytes: Int) throws(SystemError) -> Finding {
        let folder = nearest.appending(".doctor-\(getpid())-\(UInt32.random(in: 0 ... .max))")
        try folder.makeNewFolder(mode: 0o700)
        // What stays behind is small and says by its name whose it is.
        defer { try? folder.removeAll() }

        let small = [UInt8](repeating: 0x5A, count: 4096)
        var commitSeconds: [Double] = []
        for _ in 0..<9 {
            let started = ContinuousClock.now
            try AtomicFile.write(small, to: folder.appending("small"))
            commitSeconds.append(seconds(since: started))
        }
        let commit = commitSeconds.sorted()[commitSeconds.count / 2]
        let renameWorks = try renameReplaces(in: folder)
        let throughput = try writeThroughput(folder: folder, bytes: largeBytes)
        let freeBytes = try freeSpace()

        let values: [String: JSONValue] = [
            "path": .string(path.text), "commit_milliseconds": .number(commit * 1000),
            "write_bytes_per_second": .measured(throughput),
            "free_bytes": .integer(Int64(freeBytes)),
            "rename_replaces": .boolean(renameWorks), "kind": .string(kind),
        ]
        let text =
            "\(place) (\(kind)): write, fsync and rename \(milliseconds(commit)), "
            + "\(String(format: "%.0f", throughput / 1e6)) MB/s, \(gibibytes(freeBytes)) free"
        if !renameWorks {
            return Finding(
                "directory", .problem, "\(text); a rename does not replace a file",
                remedy:
                    "use a directory on a POSIX file system: checkpoints are committed by a rename",
                values: values)
        }
        if freeBytes < 2 << 30 {
            return Finding(
                "directory", .warning, text,
                remedy: "little room for checkpoints: free some, or lower checkpoint.keep",
                values: values)
        }
        if kind == "tmpfs" {
            return Finding(
                "directory", .warning, "\(text); it is gone after a power cut",
                remedy: "put the run directory on a disk",
                values: values)
        }
        if commit > 0.1 {
            return Finding(
                "directory", .warning, text,
                remedy: "slow to flush: checkpoints are written in the background, but save less "
                    + "often (checkpoint.everySteps)",
                values: values)
        }
        return Finding("directory", .good, text, values: values)
    }

    private func renameReplaces(in folder: FilePath) throws(SystemError) -> Bool {
        let (old, new) = (folder.appending("a"), folder.appending("b"))
        try AtomicFile.write("old", to: old)
        try AtomicFile.write("new", to: new)
        guard (try? new.rename(to: old)) != nil else { return false }
        return Kernel.text(old) == "new" && !new.exists
    }

    private func writeThroughput(folder: FilePath, bytes: Int) throws(SystemError) -> Double {
        let file = try FileHandleOwner.open(
            folder.appending("large"), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC)
        // Numbers that no file system can compress away.
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        let block = (0..<(1 << 17)).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        let started = ContinuousClock.now
        var written = 0
        while written < bytes {
            let result = block.withUnsafeBytes { block in
                Result { () throws(SystemError) in try file.writeAll(block) }
            }
            try result.get()
            written += block.count * 8
        }
        try file.synchronise()
        return Double(written) / seconds(since: started)
    }

    private func freeSpace() throws(SystemError) -> Int {
        var status = statvfs()
        guard nearest.withSystemPath({ statvfs($0, &status) }) == 0 else {
            throw SystemError(call: "statvfs", subject: nearest)
        }
        return Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    }

    /// The file system's name, from its magic number.
    private var kind: String {
        var status = statfs()
        guard nearest.withSystemPath({ statfs($0, &status) }) == 0 else { return "unknown" }
        return switch UInt32(truncatingIfNeeded: Int(status.f_type)) {
        case 0xEF53: "ext4"
        case 0x5846_5342: "xfs"
        case 0x9123_683E: "btrfs"
        case 0x794C_7630: "overlay"
        case 0x0102_1994: "tmpfs"
        case 0x6969: "nfs"
        case 0xFF53_4D42, 0xFE53_4D42: "smb"
        case 0x0BD0_0BD0: "lustre"
        case 0x00C3_6400: "ceph"
        case 0x6573_5546: "fuse"
        case 0x0102_1997: "9p"
        case 0x2FC1_2FC1: "zfs"
        case let magic: "file system 0x" + String(magic, radix: 16)
        }
    }
}

func seconds(since started: ContinuousClock.Instant) -> Double {
    let (seconds, attoseconds) = (ContinuousClock.now - started).components
    return Double(seconds) + Double(attoseconds) * 1e-18
}

private func milliseconds(_ seconds: Double) -> String {
    String(format: "%.1f ms", seconds * 1000)
}
