using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>
/// How much of an import is verified. The number of commits, and root hash, size and number of files of each, are compared always.
/// </summary>
/// <param name="Files">Number of files whose content is read and compared; null for every file of every commit.</param>
public sealed record ImportVerification(long? Files)
{
    private const string SamplePrefix = "sample=";

    /// <summary>What is done if nothing is said: the content of a hundred files.</summary>
    public static ImportVerification Default { get; } = new(100);

    /// <summary>Whether every file is compared.</summary>
    public bool IsFull => Files is null;

    /// <summary>Reads <c>none</c>, <c>sample=N</c> or <c>full</c>.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out ImportVerification? verification)
    {
        verification = text switch
        {
            "none" => new ImportVerification(0),
            "full" => new ImportVerification((long?)null),
            _ when text?.StartsWith(SamplePrefix, StringComparison.Ordinal) == true
                && long.TryParse(text.AsSpan(SamplePrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long files)
                => new ImportVerification(files),
            _ => null,
        };
        return verification is not null;
    }

    /// <inheritdoc/>
    public override string ToString() => Files switch
    {
        null => "full",
        0 => "none",
        { } files => string.Create(CultureInfo.InvariantCulture, $"{SamplePrefix}{files}"),
    };
}
