import Runtime

extension Configuration {
    /// Every value as nested objects: read back, it is the same configuration.
    public var resolved: JSONValue {
        var root: [String: JSONValue] = [:]
        for entry in entries {
            insert(entry.value, at: entry.key.split(separator: ".").map(String.init), into: &root)
        }
        return .object(root)
    }

    private func insert(
        _ value: JSONValue, at path: [String], into members: inout [String: JSONValue]
    ) {
        guard path.count > 1 else {
            members[path[0]] = value
            return
        }
        var section = members[path[0]]?.objectValue ?? [:]
        insert(value, at: Array(path.dropFirst()), into: &section)
        members[path[0]] = .object(section)
    }

    /// SHA-256 of the keys that decide bits, with their values, and of the data set's content.
    ///
    /// Two runs with equal digests have equal states after equal numbers of steps.
    ///
    /// - Parameter dataset: Digest of the prepared data set.
    /// - Returns: What a checkpoint and a worker's greeting carry.
    public func digest(dataset: Digest) -> Digest {
        var lines = entries.filter(\.decidesBits).map { "\($0.key)=\(Self.canonical($0.value))" }
        lines.append("dataset=\(dataset)")
        return SHA256.digest(of: lines.joined(separator: "\n").utf8)
    }

    /// The keys whose values differ, sorted by name.
    ///
    /// - Parameters:
    ///   - other: The other configuration.
    ///   - decidingBitsOnly: Whether keys that may change between runs are left out.
    /// - Returns: Nothing where both say the same.
    public func differences(
        from other: Configuration, decidingBitsOnly: Bool = true
    ) -> [ConfigurationDifference] {
        let here = values(decidingBitsOnly)
        let there = other.values(decidingBitsOnly)
        return Set(here.keys).union(there.keys).sorted().compactMap { key in
            guard here[key] != there[key] else { return nil }
            return ConfigurationDifference(
                key: key, here: here[key] ?? "absent", there: there[key] ?? "absent")
        }
    }

    /// The same configuration, with the weights that a run is recorded to start from where this one
    /// names none.
    ///
    /// - Parameter recorded: The run's own configuration.
    /// - Returns: A configuration to compare with the recorded one.
    /// - Throws: Nothing that this configuration's own reading would not have thrown.
    public func startingFromWeights(
        of recorded: Configuration
    ) throws(ConfigurationError) -> Configuration {
        guard initialWeights == nil, let weights = recorded.initialWeights else { return self }
        return try Configuration(resolved, overrides: [Self.override(initialWeights: weights)])
    }

    /// What makes a configuration name the weights that its run starts from.
    ///
    /// - Parameter digest: Of a file its SHA-256, of a checkpoint that of its state.
    /// - Returns: An override, `key=value`.
    public static func override(initialWeights digest: Digest) -> String {
        "initialWeights=\"\(digest)\""
    }

    private func values(_ decidingBitsOnly: Bool) -> [String: String] {
        let chosen = entries.filter { $0.decidesBits || !decidingBitsOnly }
        return Dictionary(uniqueKeysWithValues: chosen.map { ($0.key, Self.canonical($0.value)) })
    }

    /// One text a value: a double as its shortest decimal that reads back the same.
    private static func canonical(_ value: JSONValue) -> String {
        if case .number(let number) = value { return "\(number)" }
        return value.text()
    }
}
