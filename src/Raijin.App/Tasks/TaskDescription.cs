using System.Reflection;

namespace Raijin.App;

/// <summary>Everything that makes a task, as its set-up said it.</summary>
sealed record TaskDescription
{
    /// <summary>The task's name.</summary>
    public required string Name { get; init; }

    /// <summary>Whether it is the program's one task, so that nobody types its name.</summary>
    public required bool IsOnly { get; init; }

    /// <summary>One line for help.</summary>
    public required string Summary { get; init; }

    /// <summary>How the module is made.</summary>
    public required ConfiguredConstructor Module { get; init; }

    /// <summary>How the data module is made.</summary>
    public required ConfiguredConstructor Data { get; init; }

    /// <summary>The parts of the configuration.</summary>
    public required IReadOnlyList<TaskSection> Sections { get; init; }

    /// <summary>Keys that follow others.</summary>
    public required IReadOnlyList<ArgumentLink> Links { get; init; }

    /// <summary>Options that stand for a key each.</summary>
    public required IReadOnlyList<ShortForm> ShortForms { get; init; }
}

/// <summary>The one public constructor of a module or data module, and the section each of its parameters is taken from.</summary>
sealed class ConfiguredConstructor
{
    readonly ConstructorInfo _constructor;
    readonly List<(string Section, Type Type)> _parameters = [];

    /// <summary>Reads a type's constructor.</summary>
    /// <param name="type">A module or data module.</param>
    /// <param name="own">The section of its own options.</param>
    /// <exception cref="ArgumentException">It has no constructor that configuration could call; the message says what it needs.</exception>
    public ConfiguredConstructor(Type type, string own)
    {
        var constructors = type.GetConstructors();
        if (type.IsAbstract || constructors.Length != 1) throw new ArgumentException($"{type.Name} {(type.IsAbstract ? "is abstract" : $"has {constructors.Length} public constructors")}: a task needs a class with one, which takes its options record or nothing.");
        _constructor = constructors[0];
        foreach (var parameter in _constructor.GetParameters())
        {
            var section = parameter.ParameterType switch
            {
                var options when typeof(OptimizerOptions).IsAssignableFrom(options) => TaskSection.Optimizer,
                var options when typeof(ScheduleOptions).IsAssignableFrom(options) => TaskSection.Schedule,
                _ => own,
            };
            if (ValueShape.Of(parameter.ParameterType) is not (GroupShape or VariantShape))
                throw new ArgumentException($"The constructor of {type.Name} takes {parameter.ParameterType.Name} {parameter.Name}: it may take an options record that can be made without arguments{(own == TaskSection.Model ? ", an OptimizerOptions and a ScheduleOptions" : "")}.");
            if (_parameters.Exists(known => known.Section == section)) throw new ArgumentException($"The constructor of {type.Name} takes two records for the section {section}: put them into one.");
            _parameters.Add((section, parameter.ParameterType));
        }
    }

    /// <summary>The sections it needs, with the type of each.</summary>
    public IReadOnlyList<(string Section, Type Type)> Parameters => _parameters;

    /// <summary>Calls it.</summary>
    public object Make(TaskConfig config) => _constructor.Invoke(BindingFlags.DoNotWrapExceptions, null, [.. _parameters.Select(parameter => config[parameter.Section])], null);
}
