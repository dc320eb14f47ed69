using System.Text;
using Pachyderm.Wire.Pps;

namespace Pachyderm.Client;

/// <summary>
/// Reads specs of pipelines as people write them: JSON with the names of the contract, <c>parallelism_spec</c> or <c>parallelismSpec</c>
/// (if
/// both are there, the latter counts); numbers of 64 bits bare or in quotes; durations as <c>1h30m</c>, times as
/// <c>2017-08-17T23:11:40Z</c>. A text may have any number of objects, one after the other. A name that is not known is an error.
/// </summary>
public static class PipelineSpecs
{
    /// <summary>Most bytes that a text may have: more than a message could carry.</summary>
    public const int MaxLength = 16 << 20;

    /// <summary>Reads the pipelines of a text, in their order; none if it is empty.</summary>
    /// <exception cref="MalformedSpecException">The text is anything else than JSON objects that describe pipelines.</exception>
    public static IReadOnlyList<CreatePipelineRequest> Read(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return Read(Encode(json));
    }

    /// <summary>Reads the pipelines of a text in UTF-8, in their order; none if it is empty.</summary>
    /// <exception cref="MalformedSpecException">The text is anything else than JSON objects that describe pipelines.</exception>
    public static IReadOnlyList<CreatePipelineRequest> Read(ReadOnlyMemory<byte> json) =>
        MessageReader.ReadAll(json, static () => new CreatePipelineRequest());

    /// <summary>Reads the one object of a text over what a request for a job says already.</summary>
    /// <exception cref="MalformedSpecException">The text is anything else than a JSON object that describes a job.</exception>
    public static CreateJobRequest ReadJob(ReadOnlyMemory<byte> json, CreateJobRequest defaults)
    {
        ArgumentNullException.ThrowIfNull(defaults);
        IReadOnlyList<CreateJobRequest> jobs = MessageReader.ReadAll(json, defaults.Clone);
        return jobs.Count switch
        {
            0 => defaults.Clone(),
            1 => jobs[0],
            _ => throw new MalformedSpecException("there is more than one object", 1, 1),
        };
    }

    private static byte[] Encode(string json)
    {
        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetBytes(json);
        }
        catch (EncoderFallbackException exception)
        {
            string before = json[..exception.Index];
            int line = before.AsSpan().Count('\n') + 1;
            throw new MalformedSpecException(
                "half of a surrogate pair", line, exception.Index - before.LastIndexOf('\n'), exception);
        }
    }
}
