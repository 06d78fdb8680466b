import Configurations
import Foundation
import Runtime
import Testing

struct QuantiserConfigurationTests {
    private func read(_ overrides: [String]) throws -> Configuration {
        try Configuration(
            ["method": "vq-full", "batchSize": 16, "logicalShards": 4, "steps": 200],
            overrides: overrides)
    }

    private func codebook(_ overrides: [String]) throws -> QuantiserConfiguration.Codebook? {
        guard let settings = try read(overrides).details as? VQFullConfiguration,
            case .codebook(let codebook) = settings.quantiser.codes
        else { return nil }
        return codebook
    }

    /// The first contradiction that a configuration has.
    private func problem(_ overrides: [String]) -> String? {
        do {
            _ = try read(overrides)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func defaultsCollectFourVectorsForEachCode() throws {
        let codebook = try #require(try codebook([]))
        #expect(codebook.codes == 256 && codebook.collectedVectors == 1024)
        // 32 batches' shards hand on 1,024 vectors.
        #expect(codebook.candidatesPerShard == 32)
        #expect(try self.codebook(["quantiser.codes=8"])?.candidatesPerShard == 16)
        // A shard of `vq-finetune` has no more than its four samples.
        guard
            let settings = try read(["method=vq-finetune"]).details as? VQFinetuneConfiguration,
            case .codebook(let small) = settings.quantiser.codes
        else { return #expect(Bool(false)) }
        #expect(small.candidatesPerShard == 4 && small.codes == 64)
        #expect(settings.quantiser.warmupSteps == 16)
    }

    @Test(arguments: [
        (["quantiser.warmupSteps=3"], "choose at least 8 steps of warm-up"),
        (["quantiser.warmupSteps=200"], "nothing would be quantised"),
        (["quantiser.collectedVectors=100"], "k-means cannot start 256 codes from 100 vectors"),
        (["quantiser.candidatesPerShard=121"], "a shard has 120 vectors, not 121"),
        (["quantiser.codeDimension=1"], "one number of unit length has two directions"),
        (["exchange.gradientBits=16"], "counts of codes are summed over shards as gradients are"),
        (["quantiser.kind=finite-scalar", "quantiser.codes=5"], "quantiser.codes"),
        (["quantiser.kind=finite-scalar", "quantiser.levels=[8,1]"], "quantiser.levels"),
        (["quantiser.kind=finite-scalar", "quantiser.levels=7"], "a list [a, b, …]"),
        (["quantiser.kind=finite-scalar", "quantiser.levels=[]"], "1 to 16 whole numbers"),
        (["quantiser.lookup=cosin"], "did you mean 'cosine'"),
        (["masking.ratio=0.5"], "masking.ratio"),
    ])
    func whatDoesNotFitIsExplained(overrides: [String], text: String) {
        #expect(problem(overrides)?.contains(text) == true, "\(problem(overrides) ?? "accepted")")
    }

    @Test func levelsAreRecordedAsAList() throws {
        let configuration = try read([
            "quantiser.kind=finite-scalar", "quantiser.levels=[4, 3, 3]",
        ])
        let settings = try #require(configuration.details as? VQFullConfiguration)
        #expect(settings.quantiser.codes == .finiteScalar(levels: [4, 3, 3]))
        #expect(settings.quantiser.codeCount == 36 && settings.quantiser.dimension == 3)
        #expect(configuration.resolved["quantiser"]?["levels"] == [4, 3, 3])
        #expect(
            try Configuration(configuration.resolved).details.isEqual(to: configuration.details))
    }

    @Test(arguments: ["full", "finetune"], ["tiny", "small", "base"])
    func shippedConfigurationsAreRead(method: String, size: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let configuration = try Configuration(
            path: FilePath(root.path + "/cluster/configurations/vq-\(method)-\(size).json"))
        #expect(configuration.method.name == "vq-\(method)")
        #expect(configuration.shardSize >= 4)
    }
}
