namespace Pachyderm.Storage.Adoption;

/// <summary>What is known of an adopted pack as a whole.</summary>
/// <param name="Source">The source that it refers to; empty if its header is damaged.</param>
/// <param name="Chunks">How many chunks it holds.</param>
/// <param name="Bytes">Their length in the source.</param>
internal sealed record PackAdoption(string Source, long Chunks, long Bytes);
