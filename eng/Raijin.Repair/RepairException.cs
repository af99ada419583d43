namespace Raijin.Repair;

/// <summary>The package does not have the shape the repair was written for: nothing was written, the build must stop.</summary>
sealed class RepairException(string given, string expected, string remedy)
    : Exception($"given: {given}; expected: {expected}; remedy: {remedy}")
{
    /// <summary>What to do about a file that is not what its name says.</summary>
    public const string DamagedPackage = "delete the TorchSharp folder of the package cache and restore again: the file is damaged";

    /// <summary>What to do about a TorchSharp this repair does not know.</summary>
    public const string UnknownPackage =
        "use the TorchSharp version Raijin was built with, or build with -p:RaijinRepair=none and accept the defects of docs/design/repair.md";
}
