using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// Updates by libtorch's list operators, in the order of operations of <c>torch.optim</c> with <c>foreach=True</c>: any device, layout and floating
/// dtype. On GPUs Adam and AdamW go by libtorch's fused kernels. Where Raijin's kernels work too, this is the reference they are tested against.
/// </summary>
/// <param name="algorithm">What is done to each parameter.</param>
/// <param name="fuseOnHost">Use the fused kernels on the host too, where tests can run them.</param>
sealed partial class LibtorchUpdate(OptimizerAlgorithm algorithm, bool fuseOnHost = false)
{
    readonly OptimizerAlgorithm _algorithm = algorithm;
    readonly bool _fuseOnHost = fuseOnHost;

    static readonly AtenOp ScaleOp = AtenOp.Declare("aten::_foreach_mul.Tensor(Tensor[] self, Tensor other) -> Tensor[]");
    static readonly AtenOp RootOp = AtenOp.Declare("aten::_foreach_sqrt(Tensor[] self) -> Tensor[]");

    /// <summary>Σ g² over the gradients of <paramref name="parameters"/>, all of which have one.</summary>
    public static double SumOfSquares(List<OptimizedParameter> parameters)
    {
        if (parameters.Count == 0) return 0;
        using var none = no_grad();
        using var scope = NewDisposeScope();
        // Summed on each device, read back once per device.
        var sums = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var parameter in parameters)
        {
            var gradient = parameter.Tensor.grad!;
            var dtype = gradient.device_type == DeviceType.MPS ? ScalarType.Float32 : ScalarType.Float64;
            var squares = gradient.to(dtype).square().sum();
            var device = gradient.device.ToString();
            sums[device] = sums.TryGetValue(device, out var sum) ? sum + squares : squares;
        }

        return sums.Values.Sum(sum => sum.to(ScalarType.Float64).item<double>());
    }

    /// <summary>Updates <paramref name="parameters"/>, all of which have a gradient and state; <see cref="OptimizedParameter.Updates"/> are those before.</summary>
    /// <param name="parameters">Those to update.</param>
    /// <param name="gradientScale">Multiplies each gradient first; negative to ascend.</param>
    /// <param name="gradientBound">Clamps it to ± this then; infinite for no clamp.</param>
    public void Update(List<OptimizedParameter> parameters, double gradientScale, double gradientBound)
    {
        if (parameters.Count == 0) return;
        using var none = no_grad();
        foreach (var cohort in parameters.GroupBy(p => (p.Group, p.Updates, p.Carried, p.AlgorithmSlots(_algorithm).Count, p.Tensor.dtype, p.Tensor.device.ToString())))
        {
            using var scope = NewDisposeScope();
            OptimizedParameter[] members = [.. cohort];
            var masters = members[0].HasMaster;
            var p = Array.ConvertAll(members, Weights);
            var g = Gradients(members, p[0].dtype, gradientScale, gradientBound);
            Tensor[][] slots = [.. Enumerable.Range(0, members[0].AlgorithmSlots(_algorithm).Count).Select(slot => Array.ConvertAll(members, m => m.Slots[slot]))];
            var scalars = members[0].Scalars;
            Update(_algorithm.At(scalars), p, g, slots, scalars);
            if (masters) Foreach.Copy(Array.ConvertAll(members, Tensor (m) => m.Tensor), p);
        }
    }

    // A master follows the elements of its parameter that someone else has written, as in the kernels (MasterWeights).
    public static Tensor Weights(OptimizedParameter parameter)
    {
        if (!parameter.HasMaster) return parameter.Tensor;
        var master = parameter.Slots[^1];
        var replaced = master.to(parameter.Tensor.dtype).ne(parameter.Tensor);
        master.copy_(where(replaced, parameter.Tensor.to(master.dtype), master));
        return master;
    }

    // Copies, which the update may change: the gradients stay as they are.
    static Tensor[] Gradients(OptimizedParameter[] members, ScalarType dtype, double scale, double bound)
    {
        var gradients = Array.ConvertAll(members, m => m.Tensor.grad!.to(dtype));
        using var factor = tensor(scale, dtype: dtype, device: gradients[0].device);
        using var call = new AtenCall(ScaleOp, stackalloc ulong[2]);
        call.Push(gradients);
        call.Push(factor);
        call.Invoke();
        var scaled = call.TakeTensors();
        if (double.IsFinite(bound))
            foreach (var gradient in scaled) gradient.clamp_(-bound, bound);
        return scaled;
    }

    void Update(OptimizerAlgorithm algorithm, Tensor[] p, Tensor[] g, Tensor[][] s, in UpdateScalars scalars)
    {
        var (lr, decay, step, _) = scalars;
        if (algorithm.AddsDecayToGradient && decay != 0) Foreach.Add(g, p, decay);
        switch (algorithm)
        {
            case Sgd sgd:
                Descend(sgd, p, g, s, lr, step);
                break;
            case Adam or AdamW when _fuseOnHost || p[0].device_type == DeviceType.CUDA:
                AdaptFused(algorithm, p, g, s, scalars);
                break;
            case Adam adam:
                Adapt(adam, p, g, s, lr, adam.CorrectedStep(step));
                break;
            case AdamW adamW:
                Foreach.Multiply(p, 1 - (lr * decay));
                Adapt(new(adamW.Beta1, adamW.Beta2, adamW.Epsilon, adamW.AmsGrad), p, g, s, lr, adamW.CorrectedStep(step));
                break;
            case Lion lion:
                Foreach.Multiply(p, 1 - (lr * decay));
                var direction = Array.ConvertAll(s[0], m => m * lion.Beta1);
                Foreach.Add(direction, g, 1 - lion.Beta1);
                Foreach.Sign(direction);
                Foreach.Add(p, direction, -lr);
                Foreach.Multiply(s[0], lion.Beta2);
                Foreach.Add(s[0], g, 1 - lion.Beta2);
                break;
            case Adagrad adagrad:
                Foreach.AddProduct(s[0], g, g);
                Foreach.AddQuotient(p, g, Root(s[0], adagrad.Epsilon), -lr / (1 + ((step - 1) * adagrad.LearningRateDecay)));
                break;
            case RmsProp rmsProp:
                Normalize(rmsProp, p, g, s, lr);
                break;
            case Muon muon when s.Length > 1:
                Update(muon.Others.At(scalars), p, g, s, scalars);
                break;
            default:
                for (var i = 0; i < p.Length; i++)
                {
                    using var scope = NewDisposeScope();
                    Update(algorithm, p[i], g[i], Array.ConvertAll(s, slot => slot[i]), scalars);
                }

                break;
        }
    }

    static void Descend(Sgd sgd, Tensor[] p, Tensor[] g, Tensor[][] s, double lr, long step)
    {
        if (sgd.Momentum != 0)
        {
            var buffer = s[0];
            if (step == 1)
            {
                Foreach.Copy(buffer, g);
            }
            else
            {
                Foreach.Multiply(buffer, sgd.Momentum);
                Foreach.Add(buffer, g, 1 - sgd.Dampening);
            }

            if (sgd.Nesterov)
                Foreach.Add(g, buffer, sgd.Momentum);
            else
                g = buffer;
        }

        Foreach.Add(p, g, -lr);
    }

    static void Adapt(Adam adam, Tensor[] p, Tensor[] g, Tensor[][] s, double lr, long step)
    {
        Foreach.Lerp(s[0], g, 1 - adam.Beta1);
        Foreach.Multiply(s[1], adam.Beta2);
        Foreach.AddProduct(s[1], g, g, 1 - adam.Beta2);
        if (adam.AmsGrad) Foreach.Maximum(s[2], s[1]);
        var denominator = Root(adam.AmsGrad ? s[2] : s[1], 0);
        Foreach.Divide(denominator, Math.Sqrt(1 - Math.Pow(adam.Beta2, step)));
        Foreach.Add(denominator, adam.Epsilon);
        Foreach.AddQuotient(p, s[0], denominator, -lr / (1 - Math.Pow(adam.Beta1, step)));
    }

    static void AdaptFused(OptimizerAlgorithm algorithm, Tensor[] p, Tensor[] g, Tensor[][] s, in UpdateScalars scalars)
    {
        var largest = s.Length > 2 ? s[2] : [];
        var corrected = algorithm switch { AdamW decoupled => decoupled.CorrectedStep(scalars.Step), Adam plain => plain.CorrectedStep(scalars.Step), _ => scalars.Step };
        var step = tensor((float)corrected, device: p[0].device);
        var steps = Enumerable.Repeat(step, p.Length).ToArray();
        if (algorithm is AdamW adamW)
            Aten.FusedAdamW(p, g, s[0], s[1], largest, steps, scalars.LearningRate, adamW.Beta1, adamW.Beta2, scalars.WeightDecay, adamW.Epsilon);
        else if (algorithm is Adam adam)
            Aten.FusedAdam(p, g, s[0], s[1], largest, steps, scalars.LearningRate, adam.Beta1, adam.Beta2, 0, adam.Epsilon);
    }

    static void Normalize(RmsProp rmsProp, Tensor[] p, Tensor[] g, Tensor[][] s, double lr)
    {
        Foreach.Multiply(s[0], rmsProp.Alpha);
        Foreach.AddProduct(s[0], g, g, 1 - rmsProp.Alpha);
        var variance = s[0];
        if (rmsProp.Centered)
        {
            var average = rmsProp.Momentum != 0 ? s[2] : s[1];
            Foreach.Lerp(average, g, 1 - rmsProp.Alpha);
            variance = Array.ConvertAll(variance, v => v.clone());
            Foreach.AddProduct(variance, average, average, -1);
        }

        var root = Root(variance, rmsProp.Epsilon);
        if (rmsProp.Momentum == 0)
        {
            Foreach.AddQuotient(p, g, root, -lr);
            return;
        }

        Foreach.Multiply(s[1], rmsProp.Momentum);
        Foreach.AddQuotient(s[1], g, root);
        Foreach.Add(p, s[1], -lr);
    }

    // √x + ε, new tensors.
    static Tensor[] Root(Tensor[] x, double epsilon)
    {
        using var call = new AtenCall(RootOp, stackalloc ulong[1]);
        call.Push(x);
        call.Invoke();
        var roots = call.TakeTensors();
        if (epsilon != 0) Foreach.Add(roots, epsilon);
        return roots;
    }
}
