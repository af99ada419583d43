using static TorchSharp.torch;

namespace Raijin.Stress;

/// <summary>Many different operations on temporaries, without a scope, each against its own result from before the collections began.</summary>
static class Operations
{
    public static Action Start()
    {
        var a = (arange(256, float32).reshape(16, 16) / 128f - 1f).clone();
        var b = (a.t() * 0.5f + 0.25f).contiguous();
        var spd = a.matmul(a.t()) + eye(16) * 4f;
        var index = arange(16, int64).flip(0);
        (string Name, Func<Tensor> Run)[] operations = Table(a, b, spd, index);
        var expected = operations.Select(o => Checksum(o.Run())).ToArray();
        return () =>
        {
            for (var i = 0; i < operations.Length; i++)
            {
                var found = Checksum(operations[i].Run());
                // Two threads may split a sum differently; freed memory is never this close.
                if (Math.Abs(found - expected[i]) > 1e-4 * Math.Max(1, Math.Abs(expected[i])))
                    throw new WrongResultException(operations[i].Name, expected[i], found);
            }
        };
    }

    static double Checksum(Tensor result) => result.to(float64).sum().item<double>();

    static (string, Func<Tensor>)[] Table(Tensor a, Tensor b, Tensor spd, Tensor index) =>
    [
        ("add", () => a + b * 2), ("sub", () => a - b), ("mul", () => a * b), ("div", () => a / (b.abs() + 1)), ("neg", () => -a),
        ("abs", () => a.abs()), ("exp", () => a.exp()), ("log", () => (a.abs() + 1f).log()), ("log1p", () => a.abs().log1p()),
        ("expm1", () => a.expm1()), ("sqrt", () => a.abs().sqrt()), ("rsqrt", () => (a.abs() + 1).rsqrt()), ("pow", () => a.pow(3)),
        ("sin", () => a.sin()), ("cos", () => a.cos()), ("tanh", () => a.tanh()), ("sigmoid", () => a.sigmoid()), ("relu", () => a.relu()),
        ("gelu", () => nn.functional.gelu(a)), ("silu", () => nn.functional.silu(a)), ("elu", () => nn.functional.elu(a, 1.0)),
        ("leaky_relu", () => nn.functional.leaky_relu(a, 0.1)), ("softplus", () => nn.functional.softplus(a)), ("clamp", () => a.clamp(-0.5, 0.5)),
        ("floor", () => (a * 4).floor()), ("ceil", () => (a * 4).ceil()), ("round", () => (a * 4).round()), ("trunc", () => (a * 4).trunc()),
        ("sign", () => a.sign()), ("fmod", () => a.fmod(0.3)), ("maximum", () => maximum(a, b)), ("minimum", () => minimum(a, b)),
        ("where", () => where(a > 0, a, b)), ("eq", () => a.eq(b)), ("lt", () => a < b), ("logical_and", () => (a > 0).logical_and(b > 0)),
        ("mm", () => a.mm(b)), ("matmul", () => a.matmul(b.t())), ("bmm", () => a.unsqueeze(0).bmm(b.unsqueeze(0))), ("dot", () => a.flatten().dot(b.flatten())),
        ("addmm", () => addmm(a, b, a, 0.5f, 2.0f)), ("einsum", () => einsum("ij,jk->ik", a, b)), ("outer", () => a[0].outer(b[1])), ("triu", () => a.triu(1)),
        ("tril", () => a.tril()), ("diag", () => a.diag()), ("trace", () => a.trace()), ("cholesky", () => linalg.cholesky(spd)), ("solve", () => linalg.solve(spd, b)),
        ("norm", () => linalg.vector_norm(a.flatten(), 2.0)), ("sum", () => a.sum(1)), ("mean", () => a.mean([0])), ("var", () => a.var(1)), ("std", () => a.std(1)),
        ("prod", () => (a.abs() + 0.5f).prod(1)), ("cumsum", () => a.cumsum(1)), ("max", () => a.max(1).values), ("argmax", () => a.argmax(1)), ("topk", () => a.topk(3).values),
        ("sort", () => a.sort(1, descending: true).Values), ("softmax", () => a.softmax(1)), ("log_softmax", () => nn.functional.log_softmax(a, 1)),
        ("logsumexp", () => a.logsumexp(1)), ("cat", () => cat([a, b], 1)), ("stack", () => stack([a, b])), ("split", () => a.split(4)[1]), ("chunk", () => a.chunk(4, 1)[2]),
        ("gather", () => a.gather(1, index.unsqueeze(0).expand(16, 16))), ("index_select", () => a.index_select(0, index)), ("index", () => a[index, index]),
        ("masked_fill", () => a.masked_fill(a > 0, 0.5f)), ("roll", () => a.roll(3, 1)), ("flip", () => a.flip(1)), ("permute", () => a.reshape(4, 4, 16).permute(2, 0, 1)),
        ("expand", () => a[0].expand(4, 16)), ("repeat", () => a.repeat(2, 2)), ("lerp", () => a.lerp(b, 0.3f)), ("addcmul", () => a.addcmul(a, b, 0.1f)), ("to", () => a.to(int32)),
        ("layer_norm", () => nn.functional.layer_norm(a, [16])), ("linear", () => nn.functional.linear(a, b, a[0])), ("conv1d", () => nn.functional.conv1d(a.reshape(4, 4, 16), b.reshape(16, 4, 4))),
        ("pad", () => nn.functional.pad(a, [1, 1])), ("mse", () => nn.functional.mse_loss(a, b)), ("cross_entropy", () => nn.functional.cross_entropy(a, index)),
        ("attention", () => nn.functional.scaled_dot_product_attention(a.reshape(1, 2, 8, 16), b.reshape(1, 2, 8, 16), a.reshape(1, 2, 8, 16))),
        ("full_like", () => full_like(a, 0.5)), ("linspace", () => linspace(0, 1, 17)), ("tensor", () => tensor(new[] { 1f, 2f, 3f }) * 2),
    ];
}
