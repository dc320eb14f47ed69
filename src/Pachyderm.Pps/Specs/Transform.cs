using System.Collections.Immutable;

namespace Pachyderm.Pps.Specs;

/// <summary>What runs on a datum.</summary>
public sealed record Transform
{
    /// <summary>The image that a worker starts when a spec names none.</summary>
    public const string DefaultImage = "ubuntu:16.04";

    /// <summary>The image; empty in records that leave it to <see cref="DefaultImage"/>.</summary>
    public string Image { get; init; } = "";

    /// <summary>Program and arguments; no shell.</summary>
    public ValueList<string> Cmd { get; init; }

    /// <summary>Environment variables in byte order of their names.</summary>
    public ValueList<KeyValuePair<string, string>> Env { get; init; }

    /// <summary>Secrets that are mounted.</summary>
    public ValueList<SecretMount> Secrets { get; init; }

    /// <summary>Lines of the standard input.</summary>
    public ValueList<string> Stdin { get; init; }

    /// <summary>Exit codes that count as success besides 0.</summary>
    public ValueList<long> AcceptReturnCode { get; init; }

    /// <summary>Stored only.</summary>
    public bool Debug { get; init; }

    /// <summary>Names of the secrets with which the image is pulled.</summary>
    public ValueList<string> ImagePullSecrets { get; init; }

    /// <summary>What the program reads: the lines joined by newlines and a final one, also when there are none.</summary>
    public string StandardInput => string.Join('\n', Stdin) + "\n";

    /// <summary>Whether an exit code of the program is a success.</summary>
    public bool Accepts(int exitCode) => exitCode == 0 || AcceptReturnCode.Items.Contains(exitCode);

    /// <summary>Puts variables in order.</summary>
    public static ValueList<KeyValuePair<string, string>> SortEnv(IEnumerable<KeyValuePair<string, string>> variables) =>
        variables.ToImmutableSortedDictionary(StringComparer.Ordinal).ToValueList();
}

/// <summary>A secret of the cluster that the program finds in a directory.</summary>
/// <param name="Name">Its name.</param>
/// <param name="MountPath">The directory.</param>
public sealed record SecretMount(string Name, string MountPath);
