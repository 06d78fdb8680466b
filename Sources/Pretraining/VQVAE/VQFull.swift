import Configurations
import Kernels
import NeuralNetworks

/// ST-MEM's encoder on everything, a code for each token, and ST-MEM's decoder blocks that rebuild the record from the
/// codes alone.
///
/// By default a token is what the encoder says of one patch of time, the mean over the leads; the decoder then
/// predicts that patch of all leads. The separators, which the encoder has at the ends of each lead, are left out: they
/// would carry what they know past the codes.
struct VQFull: Sendable {
    let encoder: STMEMEncoder
    let quantiser: VectorQuantiser
    private let settings: VQFullConfiguration
    private let decoderEmbedding: Linear
    private let decoderPositions: Int
    private let decoderBlocks: [TransformerBlock]
    private let decoderNorm: LayerNormalisation
    private let decoderHead: Linear
    let parameters: ParameterList

    private var sizes: STMEMSizes { encoder.sizes }

    init(
        _ settings: VQFullConfiguration, input: InputConfiguration, batchSize: Int,
        logicalShards: Int
    ) {
        self.settings = settings
        var list = ParameterList()
        let sizes = STMEMSizes(
            encoder: settings.encoder, decoder: settings.decoder, input: input, maskRatio: 0,
            normalisesPatches: settings.normalisePatches)
        encoder = STMEMEncoder(sizes: sizes, in: &list)
        let tokens = settings.tokens == .time ? sizes.patches : sizes.patches * sizes.leads
        quantiser = VectorQuantiser(
            settings.quantiser, width: sizes.width, vectorsPerBatch: batchSize * tokens,
            logicalShards: logicalShards, in: &list)
        let width = sizes.decoderWidth
        decoderEmbedding = Linear(
            "to_decoder_embedding", inputs: sizes.width, outputs: width, in: &list)
        decoderPositions = list.add(
            "decoder_pos_embed", shape: [1, sizes.patches, width],
            .values {
                let table = PositionTable.withSeparators(positions: sizes.patches, width: width)
                return Array(table[width..<(sizes.patches + 1) * width])
            }, isTrained: false)
        decoderBlocks = (0..<sizes.decoderDepth).map {
            TransformerBlock(
                STMEMEncoder.blockNames("decoder_blocks.\($0)"),
                size: TransformerBlockSize(
                    width: width, heads: sizes.decoderHeads, headWidth: sizes.decoderHeadWidth,
                    hiddenWidth: sizes.decoderHiddenWidth), in: &list)
        }
        decoderNorm = LayerNormalisation("decoder_norm", width: width, epsilon: 1e-6, in: &list)
        decoderHead = Linear(
            "decoder_head", inputs: width,
            outputs: settings.tokens == .time
                ? sizes.leads * sizes.patchSamples : sizes.patchSamples, in: &list)
        parameters = list
    }

    /// One vector for each token, before the quantiser.
    ///
    /// - Parameters:
    ///   - patches: Shape `[samples * leads * patches, patchSamples]`.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[samples * patches, width]`, or `[samples * leads * patches, width]` for tokens of leads.
    func tokens(of patches: Value, on tape: Tape) -> Value {
        let (leads, n) = (sizes.leads, sizes.patches)
        let latent = latents(of: patches, on: tape)
        let rows = tape.numbers(patches.rows, of: Int32.self)
        forEachToken(patches.rows / (leads * n)) { place, sample, lead, time in
            rows[place] = Int32((sample * leads + lead) * (n + 2) + 1 + time)
        }
        let ordered = tape.gatherRows(latent, indices: rows)
        return settings.tokens == .time ? tape.meanOfRows(ordered, length: leads) : ordered
    }

    /// The mean of each lead's tokens as the encoder has them, before times are averaged over leads.
    ///
    /// - Parameters:
    ///   - patches: Shape `[samples * leads * patches, patchSamples]`.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[samples, leads * width]`.
    func meanOfLeads(_ patches: Value, on tape: Tape) -> Value {
        let leads = patches.rows / sizes.patches
        let inner = TokenRows(
            1..<sizes.patches + 1, ofGroups: leads, length: sizes.patches + 2, on: tape)
        let tokens = tape.gatherRows(
            latents(of: patches, on: tape), indices: inner.indices)
        return tape.meanOfRows(tokens, length: sizes.patches)
            .reshaped(columns: sizes.leads * sizes.width)
    }

    /// Normalised tokens of all leads, separators included.
    private func latents(of patches: Value, on tape: Tape) -> Value {
        let choice = PatchChoice.all(
            samples: patches.rows / (sizes.leads * sizes.patches), leads: sizes.leads,
            patches: sizes.patches, on: tape)
        return encoder.normalise(encoder.encode(patches, choice: choice, on: tape), on: tape)
    }

    /// The record from its tokens, and how far it is off.
    ///
    /// - Parameters:
    ///   - tokens: Shape as that of `tokens(of:on:)`.
    ///   - patches: What is to be rebuilt.
    ///   - tape: Where the computation is recorded.
    /// - Returns: The mean squared error over all patches.
    func reconstructionLoss(
        _ tokens: Value, patches: Value, on tape: Tape
    ) -> (value: Value, loss: Double) {
        let n = sizes.patches
        let places = tape.numbers(n, of: Int32.self)
        for time in 0..<n { places[time] = Int32(time) }
        var x = tape.addRows(
            of: tape.parameter(decoderPositions), indices: places,
            to: decoderEmbedding(tokens, on: tape))
        for block in decoderBlocks { x = block(x, tokens: n, on: tape) }
        let predicted = decoderHead(decoderNorm(x, on: tape), on: tape)
            .reshaped(columns: sizes.patchSamples)
        let rows = tape.numbers(patches.rows, of: Int32.self)
        forEachToken(patches.rows / (sizes.leads * n)) { place, sample, lead, time in
            rows[place] = Int32((sample * sizes.leads + lead) * n + time)
        }
        return tape.patchLoss(
            predicted, patches: patches, rows: rows, normalises: sizes.normalisesPatches)
    }

    /// Calls a closure for every patch in the order in which tokens have them: leads within times, or times within
    /// leads.
    private func forEachToken(
        _ samples: Int, _ body: (_ place: Int, _ sample: Int, _ lead: Int, _ time: Int) -> Void
    ) {
        var place = 0
        let isByTime = settings.tokens == .time
        let (outer, inner) =
            isByTime ? (sizes.patches, sizes.leads) : (sizes.leads, sizes.patches)
        for sample in 0..<samples {
            for i in 0..<outer {
                for j in 0..<inner {
                    body(place, sample, isByTime ? j : i, isByTime ? i : j)
                    place += 1
                }
            }
        }
    }
}
