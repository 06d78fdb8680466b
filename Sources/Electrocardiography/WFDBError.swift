import Runtime

/// Why a WFDB record was refused: which file, which field of it, and what is wrong with the value.
public struct WFDBError: Error, Equatable, CustomStringConvertible {
    /// What kind of trouble it is, for reports that count.
    public enum Kind: String, Sendable, CaseIterable {
        /// A header, signal or segment file is not there.
        case missingFile
        /// The system could not read a file that is there.
        case unreadable
        /// A header says something that cannot be.
        case brokenHeader
        /// A signal file ends before its announced end.
        case truncated
        /// The samples do not add up to the header's checksum.
        case checksum
        /// The format is known but not read here: FLAC, layouts.
        case unsupported
    }

    /// What kind of trouble it is.
    public let kind: Kind
    /// The file that is wrong.
    public let file: FilePath
    /// The field or line of the file.
    public let field: String
    /// What is wrong with it, with the value and the remedy.
    public let problem: String

    /// What to do about it.
    public let remedy: String

    /// An error about a field of a file; its remedy is that of its kind where none is given.
    public init(
        _ kind: Kind, file: FilePath, field: String, _ problem: String, remedy: String? = nil
    ) {
        self.kind = kind
        self.file = file
        self.field = field
        self.problem = problem
        self.remedy = remedy ?? Self.remedy(of: kind)
    }

    /// One line: file, field, problem, remedy.
    public var description: String { "\(file): \(field): \(problem); \(remedy)" }

    private static func remedy(of kind: Kind) -> String {
        switch kind {
        case .missingFile: "put it there, or leave the record out"
        case .unreadable: "look at its owner and mode, and at the disk"
        case .brokenHeader: "correct the header, or fetch the record again from its source"
        case .truncated, .checksum: "fetch the record again from its source"
        case .unsupported: "convert the record to format 16, such as with WFDB's xform"
        }
    }

    init(_ error: SystemError, field: String) {
        let isMissing = error.code == 2
        self.init(
            isMissing ? .missingFile : .unreadable, file: FilePath(error.subject), field: field,
            isMissing ? "no such file" : "\(error)",
            remedy: isMissing && field == "header"
                ? "name a record by its header, with or without .hea" : nil)
    }
}
