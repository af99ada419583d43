namespace Raijin.DeepSpeed;

/// <summary>A key of a file and what becomes of it.</summary>
/// <param name="Key">As the file has it.</param>
/// <param name="Value">As the file has it; of <c>"auto"</c> what it is filled with.</param>
/// <param name="Class">Its class.</param>
/// <param name="IsRefused">Whether a run refuses it.</param>
/// <param name="Becomes">The option it becomes.</param>
/// <param name="Note">What differs.</param>
/// <param name="At">Where the key stands.</param>
sealed record RunRow(string Key, string Value, KeyClass Class, bool IsRefused, string Becomes, string Note, Position At)
{
    /// <summary>Whether it is of a kind that becomes an option, and says nothing as it is: switched off, or of what is.</summary>
    public bool IsOff { get; init; }

    /// <summary>Its last name.</summary>
    public string Name => Key[(Key.LastIndexOf('.') + 1)..];
}

/// <summary>An option of Raijin's that a key becomes.</summary>
/// <param name="Key">Its key: <c>trainer.precision</c>.</param>
/// <param name="Value">Its text.</param>
/// <param name="Line">The line of the file that says it; 0 for a default.</param>
/// <param name="From">The key of the file that says it.</param>
sealed record RunSetting(string Key, string Value, int Line, string From)
{
    /// <summary>The value of an empty list; others have their items between the brackets.</summary>
    public const string Nothing = "[]";
}
