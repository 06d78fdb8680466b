import Runtime
import Testing

@Suite struct BuildIdentityTests {
    private static let clean = "0.1.0+1a2b3c4d5e.src0f9e8d7c6b"

    @Test func partsOfAVersionAreRead() {
        let clean = BuildIdentity(version: Self.clean)
        #expect(clean.release == "0.1.0" && clean.commit == "1a2b3c4d5e" && !clean.isModified)
        #expect(clean.sources == "0f9e8d7c6b")
        let modified = BuildIdentity(version: "0.1.0+1a2b3c4d5e.modified.src0f9e8d7c6b")
        #expect(modified.isModified && modified.sources == "0f9e8d7c6b")
        let unknown = BuildIdentity(version: "0.1.0+unknown.src0f9e8d7c6b")
        #expect(unknown.commit == nil && unknown.sources == "0f9e8d7c6b")
        for text in ["0.1.0", "0.1.0+", "0.1.0+unknown", "", "+"] {
            let bare = BuildIdentity(version: text)
            #expect(bare.commit == nil && bare.sources == nil && !bare.isModified, "\(text)")
        }
    }

    /// What decides is the sources, where both are known.
    @Test(
        arguments: [
            (clean, .same),
            ("0.1.0+ffffffffff.src0f9e8d7c6b", .same),
            ("0.1.0+unknown.src0f9e8d7c6b", .same),
            ("0.1.0+1a2b3c4d5e.modified.src0f9e8d7c6b", .same),
            ("0.1.0+1a2b3c4d5e.modified.src1111111111", .otherSources),
            ("0.1.0+ffffffffff.src1111111111", .otherSources),
            ("0.1.0+unknown.src1111111111", .otherSources),
            ("0.1.0+ffffffffff", .otherSources),
            ("0.1.0+1a2b3c4d5e", .same),
            ("0.1.0+1a2b3c4d5e.modified", .unknown),
            ("0.1.0+unknown", .unknown), ("0.1.0", .unknown),
            ("0.1.1+1a2b3c4d5e.src0f9e8d7c6b", .otherRelease), ("", .otherRelease),
        ] as [(String, BuildIdentity.Relation)])
    func buildsAreComparedBySources(version: String, expected: BuildIdentity.Relation) {
        let (one, other) = (BuildIdentity(version: Self.clean), BuildIdentity(version: version))
        #expect(one.relation(to: other) == expected)
        #expect(other.relation(to: one) == expected)
    }

    @Test func thisBuildKnowsItsSources() {
        let own = BuildIdentity(version: Software.version)
        #expect(own.release == Software.release)
        #expect(own.sources?.count == 10, "\(Software.version)")
        #expect(own.commit == nil || own.commit?.count == 10, "\(Software.version)")
    }
}
