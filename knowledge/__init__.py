"""What the assistant knows, and since when: the EC2 catalogue and the glossary."""
