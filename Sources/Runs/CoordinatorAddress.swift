import Foundation
import Runtime

/// Where a run's coordinator listens: the content of `coordinator.json`.
///
/// After a kill the file is stale, so whoever reads it connects before believing it, and reads it
/// again before every attempt.
public struct CoordinatorAddress: Sendable, Equatable {
    /// Host name or address that workers connect to.
    public let host: String
    /// Port that workers connect to.
    public let port: UInt16
    /// Grows by one each time a coordinator starts.
    public let term: UInt64
    /// The coordinator's process.
    public let processID: Int32

    /// An address of given parts.
    public init(host: String, port: UInt16, term: UInt64, processID: Int32) {
        self.host = host
        self.port = port
        self.term = term
        self.processID = processID
    }

    /// Makes the address known, in place of a former one.
    public func write(to directory: RunDirectory) throws(RunError) {
        let value: JSONValue = [
            "host": .string(host), "port": .integer(Int64(port)), "term": .integer(Int64(term)),
            "pid": .integer(Int64(processID)),
        ]
        try asRunError { () throws(SystemError) in
            try directory.files.write(
                value.text(pretty: true) + "\n", to: directory.coordinatorPath)
        }
    }

    /// Reads the address.
    ///
    /// - Parameter directory: The run.
    /// - Returns: `nil` where no coordinator has said where it is.
    /// - Throws: `RunError` for a file that cannot be read or understood.
    public static func read(from directory: RunDirectory) throws(RunError) -> CoordinatorAddress? {
        let path = directory.coordinatorPath
        let value: JSONValue
        do throws(RunError) {
            value = try directory.readObject(path)
        } catch .system(let error) where error.code == ENOENT {
            return nil
        }
        guard let host = value["host"]?.stringValue,
            let port = value["port"]?.integerValue.flatMap({ UInt16(exactly: $0) }),
            let term = value["term"]?.integerValue.flatMap({ UInt64(exactly: $0) }),
            let processID = value["pid"]?.integerValue.flatMap({ Int32(exactly: $0) })
        else { throw .damaged(file: path, problem: "host, port, term and pid are not all there") }
        return CoordinatorAddress(host: host, port: port, term: term, processID: processID)
    }

    /// Takes the file away, unless a coordinator of a later term has replaced it.
    public func remove(from directory: RunDirectory) throws(RunError) {
        guard try Self.read(from: directory) == self else { return }
        try asRunError { () throws(SystemError) in
            try directory.files.remove(directory.coordinatorPath)
        }
    }
}
