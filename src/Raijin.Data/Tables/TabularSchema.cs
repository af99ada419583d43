using System.Text.Json.Serialization;

namespace Raijin.Data;

/// <summary>How a table is encoded, as plain data: what is saved.</summary>
sealed record TabularSchema(int Version, MissingValues Missing, CategoryForm Categories, FeatureSchema[] Features, TargetSchema Target)
{
    public const int CurrentVersion = 1;
}

/// <summary>
/// How one column becomes inputs: a number x as (x − mean) / scale, what is missing taken for the fill; or a category by its vocabulary, whose first
/// text has code 1.
/// </summary>
sealed record FeatureSchema(string Column, ColumnType Type, double Mean, double Scale, double Fill, string[]? Vocabulary)
{
    public bool IsCategory => Vocabulary is not null;
}

/// <summary>What is predicted: a number, or a class by its place in the list.</summary>
sealed record TargetSchema(string Column, ColumnType Type, string[]? Classes);

[JsonSourceGenerationOptions(WriteIndented = true, UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(TabularSchema))]
sealed partial class TabularJson : JsonSerializerContext;
