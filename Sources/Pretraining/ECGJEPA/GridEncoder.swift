import Kernels
import NeuralNetworks

/// The tokens that an encoder works on: some leads and some times of some samples.
///
/// A handle into a tape's arena: it is valid until the tape is reset.
struct TokenGrid: BitwiseCopyable {
    let samples: Int
    let leads: Int
    let columns: Int
    /// For each token of a sample its row of the position table, lead by lead.
    let positions: Numbers<Int32>

    /// Tokens of a sample.
    var tokens: Int { leads * columns }

    /// A grid.
    ///
    /// - Parameters:
    ///   - samples: Samples of the shard.
    ///   - leads: Numbers of the leads that are there.
    ///   - columns: How many columns are there.
    ///   - tableColumns: Columns of a lead in the position table.
    ///   - tape: Whose arena keeps the positions.
    ///   - column: The number of each column.
    init(
        samples: Int, leads: some Collection<Int>, columns: Int, tableColumns: Int, on tape: Tape,
        column: (Int) -> Int
    ) {
        let positions = tape.numbers(leads.count * columns, of: Int32.self)
        var end = 0
        for lead in leads {
            for index in 0..<columns {
                positions[end] = Int32(lead * tableColumns + column(index))
                end += 1
            }
        }
        self.samples = samples
        self.leads = leads.count
        self.columns = columns
        self.positions = positions
    }
}

/// A transformer over a grid of leads and times with cross-pattern attention; positions are added before every block.
struct GridEncoder: Sendable {
    let width: Int
    /// Index of the first of the encoder's parameters.
    let firstParameter: Int
    /// Columns of a lead in the position table.
    let tableColumns: Int
    private let positions: Int
    private let patchEmbedding: Linear
    private let blocks: [TransformerBlock]
    private let norm: LayerNormalisation

    var depth: Int { blocks.count }

    /// Adds the encoder's parameters.
    ///
    /// - Parameters:
    ///   - prefix: What the names begin with.
    ///   - sizes: Of the model.
    ///   - extraColumns: Columns of the grid beside the patches.
    ///   - list: Where they are added.
    init(
        _ prefix: String, sizes: ECGJEPASizes, extraColumns: Int = 0, in list: inout ParameterList
    ) {
        width = sizes.width
        firstParameter = list.specifications.count
        tableColumns = sizes.patches + extraColumns
        positions = list.add(
            "\(prefix).pos_embed", shape: [sizes.leads * tableColumns, width],
            .values { [width, tableColumns] in
                PositionTable.grid(leads: sizes.leads, columns: tableColumns, width: width)
            }, isTrained: false)
        patchEmbedding = Linear(
            "\(prefix).W_P", inputs: sizes.patchSamples, outputs: width,
            initialiser: ECGJEPASizes.start, in: &list)
        blocks = (0..<sizes.depth).map {
            sizes.block(
                "\(prefix).encoder_blocks.blocks.\($0)", number: $0 + 1, width: sizes.width,
                heads: sizes.heads, hiddenWidth: sizes.hiddenWidth, in: &list)
        }
        norm = LayerNormalisation("\(prefix).norm", width: width, in: &list)
    }

    /// The grid of all columns of some leads.
    ///
    /// - Parameters:
    ///   - patches: One a token, for all samples.
    ///   - leads: Numbers of the leads.
    ///   - tape: Whose arena keeps the positions.
    /// - Returns: A grid of as many samples as there are patches for.
    func wholeGrid(of patches: Value, leads: some Collection<Int>, on tape: Tape) -> TokenGrid {
        TokenGrid(
            samples: patches.rows / (leads.count * tableColumns), leads: leads,
            columns: tableColumns, tableColumns: tableColumns, on: tape
        ) { $0 }
    }

    /// Patches to vectors, without positions.
    func embed(_ patches: Value, on tape: Tape) -> Value { patchEmbedding(patches, on: tape) }

    /// All blocks and the last normalisation.
    ///
    /// - Parameters:
    ///   - embedded: Shape `[grid.samples * grid.tokens, width]`, without positions.
    ///   - grid: What the tokens are.
    ///   - dropPath: Which branches are dropped.
    ///   - wanted: The tokens whose result is wanted, all when left out: what works on one token at a time runs for
    ///     these alone from the last attention on.
    ///   - tape: Where the computation is recorded.
    ///   - observe: Called with each block's output.
    /// - Returns: Shape `[wanted tokens, width]`.
    func callAsFunction(
        _ embedded: Value, grid: TokenGrid, dropPath: DropPath? = nil, wanted: TokenRows? = nil,
        on tape: Tape, observe: (Int, Value) -> Void = { _, _ in }
    ) -> Value {
        var x = embedded
        for index in blocks.indices {
            x = block(index, x, grid: grid, dropPath: dropPath, wanted: wanted, on: tape)
            observe(index, x)
        }
        return norm(x, on: tape)
    }

    /// The same without gradients, one block's intermediate results in memory at a time.
    func detached(
        _ embedded: Value, grid: TokenGrid, dropPath: DropPath? = nil, wanted: TokenRows? = nil,
        on tape: Tape
    ) -> Value {
        let rows = wanted?.count ?? embedded.rows
        return tape.detached(rows: rows, columns: width) {
            var x = embedded
            for index in blocks.indices {
                x = tape.detached(
                    rows: index == depth - 1 ? rows : x.rows, columns: width
                ) {
                    block(index, x, grid: grid, dropPath: dropPath, wanted: wanted, on: tape)
                }
            }
            return norm(x, on: tape)
        }
    }

    private func block(
        _ index: Int, _ x: Value, grid: TokenGrid, dropPath: DropPath?, wanted: TokenRows?,
        on tape: Tape
    ) -> Value {
        let factors = dropPath?.factors(ofBlock: index)
        let placed = tape.addRows(
            of: tape.parameter(positions), indices: grid.positions, to: x)
        var attended = blocks[index].attention(placed, factors: factors, on: tape) { qkv, heads in
            tape.crossPatternAttention(
                qkv, rows: grid.leads, columns: grid.columns, heads: heads)
        }
        if index == depth - 1, let wanted {
            attended = tape.gatherRows(attended, indices: wanted.indices)
        }
        return blocks[index].feedForward(attended, factors: factors, on: tape)
    }
}
