import Kernels

/// The learning rate of every step, in our own arithmetic so that all workers have the same bits.
public struct LearningRateSchedule: Sendable, Equatable {
    /// When the cosine begins.
    public enum Shape: Sendable {
        /// From 0, linear to the peak; the cosine begins when warm-up ends (published ST-MEM).
        case cosineAfterWarmup
        /// From a rate of its own, linear to the peak; the cosine counts from step 0, so the rate drops when warm-up
        /// ends (published ECG-JEPA).
        case cosineFromStart(initial: Double)
    }

    /// How the rate moves.
    public let shape: Shape
    /// The rate that warm-up leads to.
    public let peak: Double
    /// The rate at the end.
    public let minimum: Double
    /// Steps of warm-up.
    public let warmupSteps: Int
    /// Steps of the whole run.
    public let steps: Int

    /// A schedule over a run.
    public init(shape: Shape, peak: Double, minimum: Double, warmupSteps: Int, steps: Int) {
        self.shape = shape
        self.peak = peak
        self.minimum = minimum
        self.warmupSteps = warmupSteps
        self.steps = steps
    }

    /// The rate of the step that leads from state `step` to the next.
    public func rate(at step: UInt64) -> Double {
        let t = Double(step)
        let warmup = Double(warmupSteps)
        switch shape {
        case .cosineAfterWarmup:
            guard t >= warmup else { return peak * t / warmup }
            return cosine((t - warmup) / max(1, Double(steps) - warmup))
        case .cosineFromStart(let initial):
            guard t >= warmup else { return initial + t * (peak - initial) / warmup }
            return cosine(t / Double(steps))
        }
    }

    /// From the peak at 0 to the minimum at 1, and the minimum beyond.
    private func cosine(_ progress: Double) -> Double {
        minimum + (peak - minimum) / 2 * (1 + ElementaryFunctions.cosine(.pi * min(progress, 1)))
    }
}

extension LearningRateSchedule.Shape: Equatable {}

/// A teacher's momentum, linear from a first value to 1 over the run.
public struct MomentumSchedule: Sendable, Equatable {
    /// The momentum after the first step.
    public let initial: Double
    /// Steps of the whole run.
    public let steps: Int

    /// A schedule over a run.
    public init(initial: Double, steps: Int) {
        self.initial = initial
        self.steps = steps
    }

    /// The momentum of the update number `update`, counted from 0.
    public func momentum(at update: UInt64) -> Double {
        initial + Double(update) * (1 - initial) / Double(steps)
    }
}
