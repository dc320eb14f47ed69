namespace Pachyderm.Scheduling;

/// <summary>A place outside that outputs are sent to. Safe for concurrent use.</summary>
internal interface IEgressTarget
{
    /// <summary>Writes a file, in place of one that is there.</summary>
    /// <param name="path">Its path in the output, with a leading slash.</param>
    /// <param name="size">Its length in bytes.</param>
    /// <param name="open">Gives the content from its start; may be called again.</param>
    /// <param name="cancellationToken">Ends the writing.</param>
    /// <exception cref="EgressException">The file can never be written there.</exception>
    Task WriteAsync(string path, long size, Func<Stream> open, CancellationToken cancellationToken);
}
