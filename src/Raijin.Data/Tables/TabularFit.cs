namespace Raijin.Data;

/// <summary>What is learned of the training rows.</summary>
static class TabularFit
{
    public static void ThrowIfInvalid(Table table, IReadOnlyList<string> features, Target target, TabularOptions options)
    {
        var faults = new List<OptionFault>();
        if (features.Count == 0) faults.Add(new("tabular.features", "names no column; give those to predict from"));
        foreach (var name in features)
        {
            if (Find(table, name) is null) faults.Add(Unknown("tabular.features", name, table));
            if (name == target.Column) faults.Add(new("tabular.features", $"names \"{name}\", which is the target: the model would be told what to predict"));
        }
        foreach (var name in features.GroupBy(name => name).Where(same => same.Count() > 1))
            faults.Add(new("tabular.features", $"names \"{name.Key}\" twice"));
        foreach (var name in options.Categorical)
        {
            if (!features.Contains(name)) faults.Add(new("tabular.categorical", $"names \"{name}\", which is not among the features"));
            else if (Find(table, name) is { Type: ColumnType.Number or ColumnType.Date } column)
                faults.Add(new("tabular.categorical", $"names \"{name}\", a column of type {column.Type}; Integer and Text columns can be categories"));
        }
        if (Find(table, target.Column) is not { } labels) faults.Add(Unknown("tabular.target", target.Column, table));
        else if (target.IsClass && labels.Type is not (ColumnType.Text or ColumnType.Integer))
            faults.Add(new("tabular.target", $"\"{labels.Name}\" is of type {labels.Type}; a class is Text or Integer. Use Target.Value to predict a number"));
        else if (!target.IsClass && labels.Type == ColumnType.Text)
            faults.Add(new("tabular.target", $"\"{labels.Name}\" is Text and no number; use Target.Class to predict a class"));
        InvalidOptionsException.ThrowIfAny(faults);
    }

    public static FeatureSchema Feature(TableColumn column, TabularOptions options, long[] rows)
    {
        if (column.Type == ColumnType.Text || options.Categorical.Contains(column.Name))
            return new(column.Name, column.Type, Mean: 0, Scale: 1, Fill: 0, Vocabulary(column, rows));
        var (mean, deviation) = Moments(column, rows);
        return options.Standardize
            ? new(column.Name, column.Type, mean, deviation > 0 ? deviation : 1, mean, Vocabulary: null)
            : new(column.Name, column.Type, Mean: 0, Scale: 1, mean, Vocabulary: null);
    }

    public static TargetSchema Target(TableColumn column, Target target, long[] rows) => new(column.Name, column.Type, target.IsClass ? Vocabulary(column, rows) : null);

    public static double NumberOf(TableColumn column, int row) => column is IntegerColumn whole ? whole.Values[row] : ((NumberColumn)column).Values[row];

    static TableColumn? Find(Table table, string name) => table.Columns.FirstOrDefault(column => column.Name == name);

    static OptionFault Unknown(string key, string name, Table table) =>
        new(key, $"names \"{name}\", but the table has {string.Join(", ", table.Columns.Select(column => column.Name))}");

    // Whole numbers by size, texts by their characters, so that the codes do not depend on the order of the rows.
    static string[] Vocabulary(TableColumn column, long[] rows)
    {
        var texts = rows.Select(row => column.TextOf((int)row)).OfType<string>().Distinct(StringComparer.Ordinal);
        return column is IntegerColumn ? [.. texts.OrderBy(text => long.Parse(text, System.Globalization.CultureInfo.InvariantCulture))] : [.. texts.Order(StringComparer.Ordinal)];
    }

    // Mean and population deviation by Welford's update: exact where a sum of squares would lose small deviations of large numbers.
    static (double Mean, double Deviation) Moments(TableColumn column, long[] rows)
    {
        long count = 0;
        double mean = 0, squares = 0;
        foreach (var row in rows)
        {
            if (column.IsMissing((int)row)) continue;
            var value = NumberOf(column, (int)row);
            var from = value - mean;
            mean += from / ++count;
            squares += from * (value - mean);
        }
        return (mean, count == 0 ? 0 : Math.Sqrt(squares / count));
    }
}
