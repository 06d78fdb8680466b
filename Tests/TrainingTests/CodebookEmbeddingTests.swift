import Configurations
import NeuralNetworks
import Pretraining
import Runtime
import TestSupport
import Testing
import Training

/// What methods with codes say of a record.
struct CodebookEmbeddingTests {
    private func vectors(
        _ replica: TrainingReplica, _ readout: Readout, windows: Range<Int>
    ) throws -> [[Float]] {
        let method = replica.configuration.makeMethod()
        let embedding = try #require(method.embedding)
        let dimension = try #require(embedding.dimension(of: readout))
        let workspace = embedding.makeWorkspace()
        let tape = Tape(parameters: replica.parameters)
        defer { withExtendedLifetime(tape) {} }
        return try windows.map { window in
            tape.reset(recordsGradients: false)
            let row = try workspace.embed(
                window: window, start: 20, readout: readout, from: SyntheticWindows(seed: 3),
                on: tape)
            #expect(row.rows == 1 && row.columns == dimension)
            return row.array
        }
    }

    @Test(arguments: CodebookReplicaTests.methods)
    func everyReadoutHasItsSize(method: String) throws {
        let replica = try CodebookReplicaTests.replica(method)
        for readout in Readout.allCases {
            let embedding = replica.configuration.makeMethod().embedding
            guard embedding?.dimension(of: readout) != nil else { continue }
            let vectors = try vectors(replica, readout, windows: 0..<2)
            #expect(vectors.allSatisfy { $0.allSatisfy(\.isFinite) })
        }
    }

    @Test func aRecordsOwnVectorIsOneOfFew() throws {
        let replica = try CodebookReplicaTests.replica(CodebookReplicaTests.methods[2])
        let before = try vectors(replica, .method, windows: 0..<12)
        #expect(Set(before).count == 12)
        for _ in 0..<10 { try replica.runStep() }
        #expect((1...5).contains(Set(try vectors(replica, .method, windows: 0..<12)).count))
        #expect(Set(try vectors(replica, .mean, windows: 0..<12)).count == 12)
    }
}
