using System.CommandLine;

namespace Pachyderm.Pachd.Configuration;

/// <summary>One setting: a flag, else an environment variable, else a key of the configuration file, else a default.</summary>
/// <param name="Key">Its key in the file; the flag is the same in kebab case.</param>
/// <param name="Flag">The flag.</param>
/// <param name="Variable">The environment variable.</param>
/// <param name="Default">Its value if nothing sets it; null for none.</param>
internal sealed record Setting(string Key, Option<string?> Flag, string Variable, string? Default)
{
    /// <summary>Creates a setting with its help.</summary>
    public static Setting Create(string key, string flag, string variable, string? preset, string help) =>
        new(key, new Option<string?>(flag) { Description = $"{help} [{variable}]{(preset is null ? "" : $" [default: {preset}]")}", HelpName = key }, variable, preset);
}
