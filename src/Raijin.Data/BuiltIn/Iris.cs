using System.Globalization;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Fisher's irises: 150 flowers of 3 species by 4 measures, part of the library. CC BY 4.0 (UCI).</summary>
public static class Iris
{
    const int Measures = 4;

    /// <summary>The species, by class number.</summary>
    public static IReadOnlyList<string> Species { get; } = ["setosa", "versicolor", "virginica"];

    /// <summary>
    /// Loads the set: inputs [150, 4] float32, in centimetres: sepal length, sepal width, petal length, petal width; labels [150] int64,
    /// the index in <see cref="Species"/>.
    /// </summary>
    public static LabeledDataset Load()
    {
        using var reader = new StreamReader(typeof(Iris).Assembly.GetManifestResourceStream("iris.csv")!);
        reader.ReadLine();
        var inputs = new List<float>();
        var labels = new List<long>();
        while (reader.ReadLine() is { } line)
        {
            var fields = line.Split(',');
            for (var i = 0; i < Measures; i++) inputs.Add(float.Parse(fields[i], CultureInfo.InvariantCulture));
            labels.Add(long.Parse(fields[Measures], CultureInfo.InvariantCulture));
        }

        using var scope = TensorScope.Open();
        return new LabeledDataset(tensor(inputs.ToArray()).reshape(-1, Measures), tensor(labels.ToArray()));
    }
}
