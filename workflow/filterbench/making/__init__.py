"""What a stage uses: its context, images, searches, trainings and what they may spend."""
