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
        let spared = leads * (whole - masked) * settings.encoder.feedForward
        let teacher =
            leads * patches * patch * width
            + settings.encoder.gridMultiplications(
                leads: sizes.leads, columns: whole, squaredColumns: whole * whole,
                others: sizes.leads - 1) - spared
        let embedding = leads * visible * patch * width
        let context = settings.encoder.gridMultiplications(
            leads: sizes.leads, columns: seen, squaredColumns: seenSquare, others: sizes.leads - 1)
        let predictor =
            leads * (visible + masked) * width * predictorWidth
            + settings.predictor.gridMultiplications(
                leads: sizes.leads, columns: patches, squaredColumns: patches * patches, others: 0)
            - leads * visible * settings.predictor.feedForward
        let extra = leads * Double(extraColumnInputs) * width
        let extras =
            2 * extra * Double(extraTargetColumns) + 4 * extra * extraContextColumns
            + 6 * leads * width * Double(headOutputs) * (1 - extraContextColumns)
        return 2 * teacher + 4 * embedding + 6 * (context + predictor) + extras
    }

    /// Numbers that the backward pass needs, with as many visible patches as half of the masks leave and a few more.
    var activationsPerSample: Int {
        let visible = Int(ColumnMaskRule(settings).visibleMoments(columns: sizes.patches).mean)
        let columns = visible + extraTargetColumns
        return settings.encoder.gridActivations(
            leads: sizes.leads, columns: columns, seen: columns + sizes.leads - 1)
            + settings.predictor.gridActivations(
                leads: sizes.leads, columns: sizes.patches, seen: sizes.patches)
    }
}

extension TransformerConfiguration {
    /// Multiplications of a token's feed-forward part.
    fileprivate var feedForward: Double { 2 * Double(width) * Double(mlpWidth) }

    /// Multiplications of a forward pass over a grid: projections, attention to the own row and column, feed-forward part.
    ///
    /// - Parameters:
    ///   - leads: Rows of the grid.
    ///   - columns: Mean number of columns.
    ///   - squaredColumns: Mean of its square.
    ///   - others: Tokens of the column that a token looks at beside itself.
    /// - Returns: Those of all blocks.
    func gridMultiplications(
        leads: Int, columns: Double, squaredColumns: Double, others: Int
    ) -> Double {
        let weights = columns * (4 * Double(width * width) + feedForward)
        let pairs = squaredColumns + columns * Double(others)
        return Double(depth * leads) * (weights + 2 * pairs * Double(width))
    }

    /// Numbers that the backward pass needs of a grid.
    ///
    /// - Parameters:
    ///   - leads: Rows of the grid.
    ///   - columns: Its columns.
    ///   - seen: Tokens that a token looks at.
    /// - Returns: Those of all blocks.
    func gridActivations(leads: Int, columns: Int, seen: Int) -> Int {
        depth * leads * columns * (9 * width + 2 * mlpWidth + heads * seen)
    }
}
