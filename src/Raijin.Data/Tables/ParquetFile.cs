using Parquet;
using Parquet.Schema;

namespace Raijin.Data;

/// <summary>Reads a Parquet file into a table, one column of one row group at a time.</summary>
static class ParquetFile
{
    public static Table Read(string path, TableOptions options, CancellationToken cancellationToken)
    {
        options.ThrowIfInvalid();
        using var stream = File.OpenRead(path);
        try
        {
            return ReadAsync(path, stream, options, cancellationToken).GetAwaiter().GetResult();
        }
        catch (Exception error) when (error is not (OperationCanceledException or InvalidOptionsException or OutOfMemoryException or UnfitException))
        {
            // The decoder meets damage as whatever comes of it: an index out of range, a missing field, a failed decompression.
            throw new InvalidDataException($"{path} cannot be read as Parquet, it is damaged or of another format: {error.Message}", error);
        }
        catch (UnfitException error)
        {
            throw new InvalidDataException(error.Message);
        }
    }

    // What is wrong with a file that can be decoded.
    sealed class UnfitException(string message) : Exception(message);

    static async Task<Table> ReadAsync(string path, FileStream stream, TableOptions options, CancellationToken cancellationToken)
    {
        await using var reader = await ParquetReader.CreateAsync(stream, leaveStreamOpen: true, cancellationToken: cancellationToken).ConfigureAwait(false);
        var fields = reader.Schema.Fields;
        var chosen = options.Choose(path, [.. fields.Select(field => field.Name)]);
        var builders = new (DataField Field, ColumnBuilder Builder)[chosen.Length];
        var rows = Rows(path, reader, options);
        for (var i = 0; i < chosen.Length; i++)
        {
            var field = fields[chosen[i]] is DataField { IsArray: false } flat ? flat
                : throw new UnfitException($"{path}: column \"{fields[chosen[i]].Name}\" is nested; flat columns are expected. Leave it out by TableOptions.Only.");
            builders[i] = (field, ColumnBuilder.Of(field.Name, TypeOf(path, field, options), rows, options));
        }

        var first = 0;
        for (var group = 0; group < reader.RowGroupCount; group++)
        {
            using var values = reader.OpenRowGroupReader(group);
            var count = (int)values.RowCount;
            foreach (var (field, builder) in builders) await Fill(path, values, field, builder, first, count, cancellationToken).ConfigureAwait(false);
            first += count;
        }
        return new Table(Array.ConvertAll(builders, column => column.Builder.Build()));
    }

    static int Rows(string path, ParquetReader reader, TableOptions options)
    {
        long rows = 0;
        for (var group = 0; group < reader.RowGroupCount; group++)
        {
            using var values = reader.OpenRowGroupReader(group);
            if (values.RowCount < 0) throw new UnfitException($"{path}: row group {group} says it has {values.RowCount} rows.");
            rows += values.RowCount;
            if (rows > options.MaxRows) throw new UnfitException($"{path} has more than {options.MaxRows} rows. Raise TableOptions.MaxRows if it is right.");
        }
        return (int)rows;
    }

    static ColumnType TypeOf(string path, DataField field, TableOptions options)
    {
        ColumnType? type = Type.GetTypeCode(field.ClrType) switch
        {
            TypeCode.Boolean or TypeCode.SByte or TypeCode.Byte or TypeCode.Int16 or TypeCode.UInt16 or TypeCode.Int32 or TypeCode.UInt32
                or TypeCode.Int64 or TypeCode.UInt64 => ColumnType.Integer,
            TypeCode.Single or TypeCode.Double or TypeCode.Decimal => ColumnType.Number,
            TypeCode.DateTime => ColumnType.Date,
            _ when field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>) => ColumnType.Text,
            _ => null,
        };
        if (type is not { } found)
            throw new UnfitException($"{path}: column \"{field.Name}\" holds {field.ClrType.Name}, which no table column can. Leave it out by TableOptions.Only.");
        if (!options.Types.TryGetValue(field.Name, out var expected) || expected == found) return found;
        if (found == ColumnType.Integer && expected == ColumnType.Number) return expected;
        throw new UnfitException($"{path}: column \"{field.Name}\" is {found} in the file, but {expected} is expected. Correct TableOptions.Types.");
    }

    static Task Fill(string path, ParquetRowGroupReader group, DataField field, ColumnBuilder builder, int first, int count, CancellationToken token)
    {
        return Type.GetTypeCode(field.ClrType) switch
        {
            TypeCode.Boolean => Whole<bool>(value => value ? 1 : 0),
            TypeCode.SByte => Whole<sbyte>(value => value),
            TypeCode.Byte => Whole<byte>(value => value),
            TypeCode.Int16 => Whole<short>(value => value),
            TypeCode.UInt16 => Whole<ushort>(value => value),
            TypeCode.Int32 => Whole<int>(value => value),
            TypeCode.UInt32 => Whole<uint>(value => value),
            TypeCode.Int64 => Whole<long>(value => value),
            TypeCode.UInt64 => Whole<ulong>(value => value <= long.MaxValue ? (long)value
                : throw new UnfitException($"{path}: column \"{field.Name}\" has {value}, which is above the largest whole number of a table, {long.MaxValue}.")),
            TypeCode.Single => Real<float>(value => value),
            TypeCode.Double => Real<double>(value => value),
            TypeCode.Decimal => Real<decimal>(value => (double)value),
            TypeCode.DateTime => Real<DateTime>(value => CellText.Days(value)),
            _ => Texts(),
        };

        Task Whole<T>(Func<T, long> convert) where T : struct => builder is ColumnBuilder.Integers integers
            ? Each<T>((row, value) => integers.Values[row] = convert(value))
            : Real<T>(value => convert(value));

        Task Real<T>(Func<T, double> convert) where T : struct => Each<T>((row, value) =>
        {
            var number = convert(value);
            if (double.IsInfinity(number)) throw new UnfitException($"{path} row {row}: column \"{field.Name}\" is infinite; a finite number or none is expected.");
            ((ColumnBuilder.Numbers)builder).Values[row] = number;
        });

        async Task Each<T>(Action<int, T> add) where T : struct
        {
            if (field.IsNullable)
            {
                var values = new T?[count];
                await group.ReadAsync<T>(field, values.AsMemory(), cancellationToken: token).ConfigureAwait(false);
                for (var i = 0; i < count; i++)
                {
                    if (values[i] is { } value) add(first + i, value);
                    else builder.AddMissing(first + i);
                }
            }
            else
            {
                var values = new T[count];
                await group.ReadAsync<T>(field, values.AsMemory(), cancellationToken: token).ConfigureAwait(false);
                for (var i = 0; i < count; i++) add(first + i, values[i]);
            }
        }

        async Task Texts()
        {
            var values = new string?[count];
            await group.ReadAsync(field, values!, cancellationToken: token).ConfigureAwait(false);
            for (var i = 0; i < count; i++)
            {
                if (values[i] is not { } text)
                {
                    builder.AddMissing(first + i);
                    continue;
                }
                try
                {
                    builder.TryAdd(first + i, text);
                }
                catch (InvalidDataException error)
                {
                    throw new UnfitException($"{path} row {first + i}, column \"{field.Name}\": {error.Message}");
                }
            }
        }
    }
}
