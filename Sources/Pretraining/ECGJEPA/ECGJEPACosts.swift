import Configurations

/// What a sample costs, mean over all masks that can be drawn.
struct ECGJEPACosts {
    private let settings: ECGJEPAConfiguration
    private let sizes: ECGJEPASizes
    /// Columns that the teacher sees beside the patches.
    private let extraTargetColumns: Int
    /// Columns that the context encoder sees beside the visible patches, on average.
    private let extraContextColumns: Double
    /// Numbers that a token of an extra column is made of.
    private let extraColumnInputs: Int
    /// Numbers that are told of each lead where there are no extra columns.
    private let headOutputs: Int

    init(
        _ settings: ECGJEPAConfiguration, sizes: ECGJEPASizes, extraTargetColumns: Int = 0,
        extraContextColumns: Double = 0, extraColumnInputs: Int = 0, headOutputs: Int = 0
    ) {
        self.extraColumnInputs = extraColumnInputs
        self.headOutputs = headOutputs
        self.settings = settings
        self.sizes = sizes
        self.extraTargetColumns = extraTargetColumns
        self.extraContextColumns = extraContextColumns
    }

    /// A block on a grid: projections, attention to the own row and column, feed-forward part.
    ///
    /// - Parameters:
    ///   - columns: Mean number of columns.
    ///   - squaredColumns: Mean of its square.
    ///   - size: Of the blocks.
    ///   - others: Tokens of the column that a token looks at beside itself.
    /// - Returns: Its multiplications.
    private func block(
        columns: Double, squaredColumns: Double, size: TransformerConfiguration, others: Int
    ) -> Double {
        let leads = Double(sizes.leads)
        let width = Double(size.width)
        let weights = leads * columns * (4 * width * width + feedForward(size))
        let pairs = leads * (squaredColumns + columns * Double(others))
        return weights + 2 * pairs * width
    }

    /// Multiplications of a token's feed-forward part.
    private func feedForward(_ size: TransformerConfiguration) -> Double {
        2 * Double(size.width) * Double(size.mlpWidth)
    }

    /// Floating-point operations of the matrix products, forward and backward: a multiplication and an addition each; the
    /// backward pass has two products for each of the forward pass, but the teacher has none, and the patches need no gradient.
    var operationsPerSample: Double {
        let (leads, patches) = (Double(sizes.leads), Double(sizes.patches))
        let (width, patch) = (Double(sizes.width), Double(sizes.patchSamples))
        let predictorWidth = Double(sizes.predictorWidth)
        let moments = ColumnMaskRule(settings).visibleMoments(columns: sizes.patches)
        let visible = moments.mean
        let masked = patches - visible
        let seen = visible + extraContextColumns
        let seenSquare =
            moments.square + 2 * visible * extraContextColumns + extraContextColumns
        let whole = patches + Double(extraTargetColumns)

        // From the last attention on, teacher and predictor work on masked patches alone.
        let spared = leads * (whole - masked) * feedForward(settings.encoder)
        let teacher =
            leads * patches * patch * width
            + Double(settings.encoder.depth)
            * block(
                columns: whole, squaredColumns: whole * whole, size: settings.encoder,
                others: sizes.leads - 1) - spared
        let embedding = leads * visible * patch * width
        let context =
            Double(settings.encoder.depth)
            * block(
                columns: seen, squaredColumns: seenSquare, size: settings.encoder,
                others: sizes.leads - 1)
        let predictor =
            leads * (visible + masked) * width * predictorWidth
            + Double(settings.predictor.depth)
            * block(
                columns: patches, squaredColumns: patches * patches, size: settings.predictor,
                others: 0) - leads * visible * feedForward(settings.predictor)
        let extra = leads * Double(extraColumnInputs) * width
        let extras =
            2 * extra * Double(extraTargetColumns) + 4 * extra * extraContextColumns
            + 6 * leads * width * Double(headOutputs) * (1 - extraContextColumns)
        return 2 * teacher + 4 * embedding + 6 * (context + predictor) + extras
    }

    /// Numbers that the backward pass needs, with as many visible patches as half of the masks leave and a few more.
    var activationsPerSample: Int {
        let visible = Int(ColumnMaskRule(settings).visibleMoments(columns: sizes.patches).mean)
        func grid(_ size: TransformerConfiguration, columns: Int, seen: Int) -> Int {
            let perToken = 9 * size.width + 2 * size.mlpWidth + size.heads * seen
            return size.depth * sizes.leads * columns * perToken
        }
        let columns = visible + extraTargetColumns
        return grid(settings.encoder, columns: columns, seen: columns + sizes.leads - 1)
            + grid(settings.predictor, columns: sizes.patches, seen: sizes.patches)
    }
}
