import Configurations
import NeuralNetworks

extension STMEMEncoderConfiguration: EncoderBuilding {
    /// ST-MEM's encoder for whole crops.
    public func makeEncoder(
        input: InputConfiguration, in list: inout ParameterList
    ) -> any Encoder {
        STMEMEncoder(
            sizes: STMEMSizes(encoder: sizes, input: input), trainsPositions: trainsPositions,
            in: &list)
    }
}

/// Downstream nothing is masked, and separators are dropped.
extension STMEMEncoder: CropEncoder {
    /// Those of all patches.
    public var samples: Int { sizes.patches * sizes.patchSamples }
    /// The leads.
    public var signalRows: Int { sizes.leads }
    /// Blocks.
    public var depth: Int { sizes.depth }

    /// All of them; the network's own is the mean.
    public func dimension(of readout: Readout) -> Int? {
        readout == .leads ? sizes.leads * sizes.width : sizes.width
    }

    /// Each lead's patches stand between two separators.
    public var tokens: TokenPlaces? {
        TokenPlaces(
            leads: Array(0..<sizes.leads), columns: sizes.patches + 2,
            patches: 1..<sizes.patches + 1, patchSamples: sizes.patchSamples)
    }

    /// The mean over tokens, of all or of each lead, and then the last normalisation.
    public func vectors(
        _ signals: Value, _ readout: Readout, _ pass: EncoderPass, from source: any WindowSource,
        on tape: Tape
    ) -> Value {
        let patches = signals.reshaped(columns: sizes.patchSamples)
        return readout == .leads
            ? pooledByLead(patches, on: tape) : pooled(patches, on: tape)
    }

    /// The read-out that keeps leads apart: the mean over each lead's patches, then the last normalisation.
    ///
    /// - Parameters:
    ///   - patches: Shape `[samples * leads * patches, patchSamples]`.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[samples, leads * width]`.
    public func pooledByLead(_ patches: Value, on tape: Tape) -> Value {
        let samples = patches.rows / (sizes.leads * sizes.patches)
        let choice = PatchChoice.all(
            samples: samples, leads: sizes.leads, patches: sizes.patches, on: tape)
        let tokens = encode(patches, choice: choice, on: tape)
        let inner = tape.gatherRows(
            tokens, indices: choice.tokenRowsWithoutSeparators(on: tape))
        return normalise(tape.meanOfRows(inner, length: sizes.patches), on: tape)
            .reshaped(columns: sizes.leads * sizes.width)
    }

    /// The block in the middle, and the last one normalised; each lead's patches apart.
    public var layers: [LayerShape] {
        LayerShape.ofTransformer(
            depth: depth, width: sizes.width, groups: sizes.leads, times: sizes.patches)
    }

    /// Tokens without separators.
    public func layerTokens(
        _ signals: Value, _ pass: EncoderPass, from source: any WindowSource, on tape: Tape
    ) -> [LayerTokens] {
        let patches = signals.reshaped(columns: sizes.patchSamples)
        let choice = PatchChoice.all(
            samples: pass.signals, leads: sizes.leads, patches: sizes.patches, on: tape)
        let inner = choice.tokenRowsWithoutSeparators(on: tape)
        let tokens = LayerTokens.ofTransformer(depth: depth) { observe in
            normalise(encode(patches, choice: choice, on: tape, observe: observe), on: tape)
        }
        return tokens.map { .rows(tape.gatherRows($0, indices: inner)) }
    }

    // MARK: Costs

    /// Tokens of a signal where nothing is masked.
    var tokenCount: Int { sizes.leads * (sizes.patches + 2) }

    /// Multiplications of the patch embedding of a signal where nothing is masked.
    var embeddingMultiplications: Double {
        Double(sizes.leads * sizes.patches * sizes.patchSamples * sizes.width)
    }

    /// Embedding and blocks; the embedding begins with a normalisation that has a gradient.
    public var multiplications: (all: Double, onSignal: Double) {
        (embeddingMultiplications + sizes.encoder.multiplications(tokens: tokenCount), 0)
    }

    /// The blocks'.
    public var activations: Int { sizes.encoder.activations(tokens: tokenCount) }
}

extension STMEMSizes {
    /// The encoder's.
    var encoder: TransformerConfiguration {
        TransformerConfiguration(
            width: width, depth: depth, heads: heads, headWidth: headWidth, mlpWidth: hiddenWidth)
    }

    /// Sizes of an encoder of whole crops without a decoder.
    init(encoder: TransformerConfiguration, input: InputConfiguration) {
        self.init()
        leads = input.leads
        patchSamples = input.patchSamples
        patches = input.patchesPerLead
        width = encoder.width
        depth = encoder.depth
        heads = encoder.heads
        headWidth = encoder.headWidth
        hiddenWidth = encoder.mlpWidth
    }
}
