using System.Numerics;

namespace Raijin.Metrics;

/// <summary>Precision at a true positive, and its score.</summary>
readonly record struct Peak(double Precision, double Score);

/// <summary>A row by its score: the surest first, of equals the first.</summary>
readonly record struct Ranked(double Score, int Row) : IComparable<Ranked>
{
    public int CompareTo(Ranked other) => other.Score.CompareTo(Score) is var byScore and not 0 ? byScore : Row.CompareTo(other.Row);
}

/// <summary>Rows by class, and within a class in the order they came: image after image.</summary>
sealed class Grouped
{
    readonly int[] _rows;
    readonly int[] _first;

    Grouped(int[] rows, int[] first, int[] image) => (_rows, _first, Image) = (rows, first, image);

    /// <summary>The image a row is of.</summary>
    public int[] Image { get; }

    /// <summary>The rows of a class.</summary>
    public ReadOnlySpan<int> Rows(int c) => _rows.AsSpan(_first[c], _first[c + 1] - _first[c]);

    /// <summary>Sorts by counting.</summary>
    /// <param name="table">Rows whose first number is the label.</param>
    /// <param name="width">Numbers a row.</param>
    /// <param name="places">The class of a label.</param>
    /// <param name="firstOfImage">The first row of each image, and behind it how many rows there are.</param>
    /// <param name="asOne">Whether all are of one class.</param>
    public static Grouped Of(double[] table, int width, Dictionary<long, int> places, int[] firstOfImage, bool asOne)
    {
        var count = table.Length / width;
        var (classOf, image, rows) = (new int[count], new int[count], new int[count]);
        var first = new int[(asOne ? 1 : places.Count) + 1];
        for (var row = 0; row < count; row++)
        {
            classOf[row] = asOne ? 0 : places[(long)table[row * width + DetectionRows.Label]];
            first[classOf[row] + 1]++;
        }
        for (var c = 1; c < first.Length; c++) first[c] += first[c - 1];
        for (var i = 0; i + 1 < firstOfImage.Length; i++) image.AsSpan(firstOfImage[i], firstOfImage[i + 1] - firstOfImage[i]).Fill(i);
        var next = (int[])first.Clone();
        for (var row = 0; row < count; row++) rows[next[classOf[row]]++] = row;
        return new(rows, first, image);
    }
}

/// <summary>What became of a class's found objects: for each cell (a range of areas, a threshold) and object right, wrong or not counted.</summary>
sealed class ClassMatches(int capacity, int cells)
{
    readonly double[] _scores = new double[capacity];
    readonly int[] _rank = new int[capacity];
    readonly byte[] _outcomes = new byte[capacity * cells];
    int _count;

    /// <summary>How surer ones its image and class has.</summary>
    public ReadOnlySpan<int> Rank => _rank.AsSpan(0, _count);

    /// <summary>True objects that count, for each range of areas.</summary>
    public int[] Positives { get; } = new int[DetectionEvaluation.Areas];

    /// <summary>The objects' outcomes in a cell.</summary>
    public Span<byte> Outcomes(int cell) => _outcomes.AsSpan(cell * capacity, _count);

    /// <summary>Takes in an image's objects, the surest first; the place of the first.</summary>
    public int Add(ReadOnlySpan<Ranked> found)
    {
        for (var i = 0; i < found.Length; i++)
        {
            _scores[_count + i] = found[i].Score;
            _rank[_count + i] = i;
        }
        _count += found.Length;
        return _count - found.Length;
    }

    /// <summary>All of them, the surest first.</summary>
    public Ranked[] ByScore()
    {
        var order = new Ranked[_count];
        for (var i = 0; i < order.Length; i++) order[i] = new(_scores[i], i);
        order.AsSpan().Sort();
        return order;
    }
}

/// <summary>Room to match the objects of one image and class in.</summary>
sealed class MatchingRoom
{
    public Ranked[] Ranked { get; private set; } = [];

    public double[] Best { get; private set; } = [];

    public double[] Iou { get; private set; } = [];

    /// <summary>True objects, those that count first.</summary>
    public int[] Order { get; private set; } = [];

    public bool[] Taken { get; private set; } = [];

    public bool[] Crowd { get; private set; } = [];

    public bool[] Ignored { get; private set; } = [];

    public void Reserve(int found, int there)
    {
        if (Ranked.Length < found)
        {
            Ranked = new Ranked[BitOperations.RoundUpToPowerOf2((uint)found)];
            Best = new double[Ranked.Length];
        }
        if (Order.Length < there)
        {
            Order = new int[BitOperations.RoundUpToPowerOf2((uint)there)];
            (Taken, Crowd, Ignored) = (new bool[Order.Length], new bool[Order.Length], new bool[Order.Length]);
        }
        if (Iou.Length < found * there) Iou = new double[BitOperations.RoundUpToPowerOf2((uint)(found * there))];
    }
}
