import Configurations

/// What a worker will hold, from the configuration alone: a few percent off, to warn beforehand.
public struct MemoryEstimate: Sendable, Equatable {
    /// Numbers that are trained.
    public let parameterCount: Int
    /// Memory of one worker.
    public let bytes: Int

    /// Adds up what a worker holds.
    ///
    /// In units of the parameters: themselves 1, moments 2, local and reduced sums 1 each, the float gradients of each
    /// thread up to 1, and the share of a checkpoint in writing, up to 3 for a lone worker. Then each thread's activations.
    ///
    /// - Parameters:
    ///   - configuration: The model and its batch.
    ///   - threads: Compute threads of the worker.
    ///   - workers: Workers of the run, among whom a checkpoint is shared out.
    public init(_ configuration: Configuration, threads: Int, workers: Int) {
        let input = configuration.input
        let encoder = configuration.encoder
        let decoder = configuration.decoder
        let patches = input.patchesPerLead
        let patch = input.patchSamples
        let leads = input.leads
        let kept = Int(Double(patches) * (1 - configuration.masking.ratio))

        let embedding = 2 * patch + (patch + 1) * encoder.width + 2 * encoder.width
        let vectors = (1 + leads) * encoder.width + 2 * encoder.width
        let bridge = (encoder.width + 1) * decoder.width + decoder.width
        let head = 2 * decoder.width + (decoder.width + 1) * patch
        parameterCount =
            embedding + vectors + encoder.depth * Self.blockParameters(encoder)
            + bridge + decoder.depth * Self.blockParameters(decoder) + head

        let encoderTokens = leads * (kept + 2)
        let sample =
            encoder.depth * Self.blockActivations(encoder, tokens: encoderTokens, sequences: 1)
            + decoder.depth
            * Self.blockActivations(decoder, tokens: patches + 2, sequences: leads)
        let activations =
            min(threads, configuration.logicalShards) * configuration.shardSize * sample
        let copies = 5 + min(threads, configuration.logicalShards) + (3 + workers - 1) / workers
        // 64 MiB for the program, the libraries and the buffers of connections.
        bytes = 4 * (copies * parameterCount + activations) + (64 << 20)
    }

    private static func blockParameters(_ block: TransformerConfiguration) -> Int {
        let inner = block.heads * block.headWidth
        let attention = (block.width + 1) * 3 * inner + (inner + 1) * block.width
        let feedForward = (block.width + 1) * block.mlpWidth + (block.mlpWidth + 1) * block.width
        return attention + feedForward + 4 * block.width
    }

    /// What the backward pass needs of a block: inputs, norms, projections, probabilities, hidden layers.
    private static func blockActivations(
        _ block: TransformerConfiguration, tokens: Int, sequences: Int
    ) -> Int {
        let inner = block.heads * block.headWidth
        let perToken = 4 * block.width + 4 * inner + 2 * block.mlpWidth
        return sequences * (tokens * perToken + block.heads * tokens * tokens)
    }
}
