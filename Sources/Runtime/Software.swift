import CSystem

/// What this build calls itself in files, handshakes and on the screen.
public enum Software {
    /// The name.
    public static let name = "purkinje"
    /// The release, as `major.minor.patch`.
    public static let release = "0.1.0"
    /// The release and what it was built from, such as `0.1.0+1a2b3c4d5e.src0f9e8d7c6b`: `BuildIdentity` has the parts.
    public static let version = "\(release)+\(String(cString: purkinje_build()))"
}

/// What a version says of the build that bears it.
///
/// After the release and a plus sign stand the commit's first ten digits or `unknown`; `modified` where sources differ from that
/// commit; and `src` with the first ten digits of a digest of all sources. Equal sources do the same arithmetic, whichever commit they are of.
public struct BuildIdentity: Sendable, Equatable {
    /// The release, as `major.minor.patch`.
    public let release: String
    /// The commit, whole ten digits; `nil` where it was built without Git.
    public let commit: String?
    /// Whether sources differed from the commit.
    public let isModified: Bool
    /// Digest of all sources; `nil` where the version has none.
    public let sources: String?

    /// Takes a version apart; what it does not have is `nil`.
    public init(version: String) {
        let halves = version.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        release = String(halves[0])
        var parts = halves.count > 1 ? halves[1].split(separator: ".").map(String.init) : []
        let first = parts.isEmpty ? "unknown" : parts.removeFirst()
        commit = first == "unknown" ? nil : first
        isModified = parts.contains("modified")
        sources = parts.last { $0.hasPrefix("src") }.map { String($0.dropFirst(3)) }
    }

    /// How two builds stand to each other.
    public enum Relation: Sendable, Equatable {
        /// The same sources.
        case same
        /// The same release of other sources: they may round differently.
        case otherSources
        /// The same release; whether the sources are the same is not known.
        case unknown
        /// Another release.
        case otherRelease
    }

    /// Compares two builds.
    public func relation(to other: BuildIdentity) -> Relation {
        guard release == other.release else { return .otherRelease }
        if let sources, let others = other.sources {
            return sources == others ? .same : .otherSources
        }
        guard let commit, let others = other.commit else { return .unknown }
        if commit != others { return .otherSources }
        return isModified || other.isModified ? .unknown : .same
    }
}
