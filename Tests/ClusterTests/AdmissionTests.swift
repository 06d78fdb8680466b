import Configurations
import Runtime
import Testing

@testable import Cluster

/// Who is let into a run: members of one build, unless somebody says otherwise.
@Suite struct AdmissionTests {
    private let configuration: Configuration
    private let dataset = SHA256.digest(of: "data".utf8)
    private static let own = "0.1.0+1a2b3c4d5e.src0f9e8d7c6b"

    init() throws { configuration = try Configuration(["method": "st-mem"]) }

    private func admission(allowsMixedBuilds: Bool = false, own: String = own) -> Admission {
        Admission(
            configuration: configuration, runID: "ab", softwareVersion: own, datasetDigest: nil,
            allowsMixedKernels: false, allowsMixedBuilds: allowsMixedBuilds)
    }

    private func hello(_ version: String, kernel: String = "Haswell") -> Hello {
        Hello(
            id: WorkerID(5), number: 0, softwareVersion: version, runID: "ab",
            configurationDigest: "\(configuration.digest(dataset: dataset))",
            configuration: configuration.resolved.text(), datasetDigest: "\(dataset)",
            matrixLibrary: "", kernel: kernel, hostName: "node", processID: 1, threads: 1,
            dataPort: 1, advertisedHost: "", term: 0, generation: 0,
            held: HeldState(applied: nil))
    }

    @Test(arguments: [
        own, "0.1.0+ffffffffff.src0f9e8d7c6b", "0.1.0+unknown.src0f9e8d7c6b",
        "0.1.0+1a2b3c4d5e.modified.src0f9e8d7c6b",
    ])
    func theSameSourcesAreWelcome(version: String) {
        var admission = admission()
        let answer = admission.check(hello(version))
        #expect(answer == nil)
        #expect(admission.notice(of: hello(version)) == nil)
    }

    @Test(arguments: [
        "0.1.0+ffffffffff.src1111111111", "0.1.0+1a2b3c4d5e.modified.src1111111111",
        "0.1.0+unknown.src1111111111",
    ])
    func otherSourcesAreRefusedUnlessTheyAreAllowed(version: String) throws {
        var strict = admission()
        let answer = strict.check(hello(version))
        let reason = try #require(answer)
        for part in [version, Self.own, "other sources", "--allow-mixed-builds"] {
            #expect(reason.contains(part), "\(reason)")
        }
        #expect(strict.kernel == nil, "who is refused decides nothing")
        var lenient = admission(allowsMixedBuilds: true)
        let welcome = lenient.check(hello(version))
        #expect(welcome == nil)
        let notice = try #require(lenient.notice(of: hello(version)))
        for part in [version, Self.own, "node", "other sources"] {
            #expect(notice.contains(part), "\(notice)")
        }
    }

    @Test(arguments: [
        (own, "0.1.0+unknown"), (own, "0.1.0"), ("0.1.0+1a2b3c4d5e.modified", "0.1.0+1a2b3c4d5e"),
    ])
    func whatIsNotKnownIsSaid(own: String, version: String) throws {
        var admission = admission(own: own)
        let answer = admission.check(hello(version))
        #expect(answer == nil)
        let notice = try #require(admission.notice(of: hello(version)))
        #expect(notice.contains("not known") && notice.contains(version), "\(notice)")
    }

    @Test func anotherReleaseIsRefusedWhateverIsAllowed() throws {
        var admission = admission(allowsMixedBuilds: true)
        let answer = admission.check(hello("0.2.0+1a2b3c4d5e.src0f9e8d7c6b"))
        let reason = try #require(answer)
        #expect(reason.hasPrefix("version differs"), "\(reason)")
    }

    @Test func otherThingsAreStillCompared() throws {
        var admission = admission(allowsMixedBuilds: true)
        let answer = admission.check(hello(Self.own))
        #expect(answer == nil)
        let other = admission.check(hello(Self.own, kernel: "SkylakeX"))
        let reason = try #require(other)
        #expect(reason.hasPrefix("matrix kernels differ"), "\(reason)")
    }
}
