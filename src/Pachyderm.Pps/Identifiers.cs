using System.Security.Cryptography;

namespace Pachyderm.Pps;

/// <summary>Name of a pipeline, and of its output repo.</summary>
/// <param name="Value">The name. Which names are allowed is the business of the repo.</param>
public readonly record struct PipelineName(string Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Names a job: a random UUID with dashes, 36 characters.</summary>
/// <param name="Value">The identifier.</param>
public readonly record struct JobId(string Value)
{
    /// <summary>A new one.</summary>
    public static JobId New() => new(Uuid.New().ToString("D"));

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>
/// What a pipeline mixes into the identity of its datums: results are shared by all versions of a pipeline with the same salt, so a new one
/// makes every datum run again.
/// </summary>
/// <param name="Value">A random UUID without dashes, 32 characters; empty in records of 1.5.0 and before.</param>
public readonly record struct Salt(string Value)
{
    /// <summary>A new one.</summary>
    public static Salt New() => new(Uuid.New().ToString("N"));

    /// <summary>Whether the record comes from a release that had no salts.</summary>
    public bool IsEmpty => string.IsNullOrEmpty(Value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>A commit of a repo.</summary>
/// <param name="Repo">The repo.</param>
/// <param name="Id">Its identifier, unique within the repo.</param>
public readonly record struct CommitRef(string Repo, string Id)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Repo}/{Id}";
}

file static class Uuid
{
    private const int VersionByte = 6;
    private const int VariantByte = 8;

    // Version 4 from the strong generator: salts must not be guessed or repeated.
    public static Guid New()
    {
        Span<byte> bytes = stackalloc byte[16];
        RandomNumberGenerator.Fill(bytes);
        bytes[VersionByte] = (byte)((bytes[VersionByte] & 0x0f) | 0x40);
        bytes[VariantByte] = (byte)((bytes[VariantByte] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
